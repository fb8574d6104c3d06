"""An undo takes away all that stands, whatever had begun before it."""

from typing import Any

import pytest

from backoffice.runs import control
from backoffice.runs.control import undo_run
from backoffice.runs.faults import ConfigError, Misuse
from backoffice.runs.models import Run, RunStatus, StepPart
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


def test_a_run_that_is_begun_again_while_it_is_undone_keeps_what_it_writes_then(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever undoes it may sleep in between: what is left to undo, the new attempt undoes itself."""
    run = finish(begin("three"))
    marked = control._mark_undone

    def then_begun_again(*arguments: Any) -> None:
        marked(*arguments)
        assert go_on(run).status == RunStatus.COMPLETE

    monkeypatch.setattr(control, "_mark_undone", then_begun_again)
    with pytest.raises(Misuse, match=f"Run {run.pk} was begun again while it was undone"):
        undo_run(run)
    assert world.undone == ["first/0", "second/0", "third/0"]
    assert Run.objects.latest("pk").status == RunStatus.COMPLETE


def test_a_part_that_another_has_undone_is_not_undone_twice(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    run = finish(begin("three"))
    marked = control._mark_undone

    def then_undone_by_another(*arguments: Any) -> None:
        marked(*arguments)
        monkeypatch.setattr(control, "_mark_undone", marked)
        undo_run(run)

    monkeypatch.setattr(control, "_mark_undone", then_undone_by_another)
    undo_run(run)
    assert world.undone == ["third/0", "second/0", "first/0"]
