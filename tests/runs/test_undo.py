"""An undo takes away all that stands, whatever had begun before it."""

import pytest

from backoffice.runs.control import undo_run
from backoffice.runs.faults import ConfigError
from backoffice.runs.models import RunStatus, StepPart
from backoffice.runs.undone import is_undone
from tests.running import finish, go_on
from tests.runs.test_kernel import begin, die_at
from tests.runs.toy import World

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_step_that_a_restart_did_not_come_to_is_undone_as_well(world: World) -> None:
    """S2-20: it was to be undone when it began anew, which it did not; what it had written stood for ever."""
    run = finish(begin("three"))
    world.before_chunk = die_at(4, ConfigError("no"))
    again = go_on(run, "second")
    assert (again.status, world.undone) == (RunStatus.FAILED, ["second/0"])
    again = undo_run(again)
    assert world.undone == ["second/0", "third/0", "second/0", "first/0"]
    assert is_undone(again)
    assert not StepPart.objects.filter(undo=True).exists()
    world.before_chunk = lambda numbers: None
    assert go_on(again).status == RunStatus.COMPLETE
