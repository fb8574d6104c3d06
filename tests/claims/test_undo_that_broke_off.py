"""An undo that broke off half way: the night is undone again, or restarted at once, and comes to the same."""

import pytest

from backoffice.runs.control import undo_run
from backoffice.runs.models import Run, RunStatus, StepPart
from claims.models import AdjudicatedClaim, Night
from claims.pipeline import bulk
from tests.claims.undisturbed import assert_undisturbed, ready, short_night

pytestmark = pytest.mark.django_db(transaction=True)


class Broken(Exception):
    pass


@pytest.fixture
def half_undone(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Remittances and the accumulators of one partition are undone, the rest is not."""
    run = short_night(ready())
    forget = bulk.forget

    def breaks(model: type[AdjudicatedClaim], night: Night, partition: int) -> None:
        if model is AdjudicatedClaim and partition == 1:
            raise Broken
        forget(model, night, partition)

    with monkeypatch.context() as patch:
        patch.setattr(bulk, "forget", breaks)
        with pytest.raises(Broken):
            undo_run(run)
    run.refresh_from_db()
    assert (run.status, run.reason) == (RunStatus.STOPPED, "undone")
    return run


@pytest.mark.slow
def test_restarted_at_once_it_undoes_what_is_left_and_begins_anew(half_undone: Run) -> None:
    """S2-20, S2-22"""
    assert half_undone.region is not None
    left = StepPart.objects.filter(step__chain=half_undone.chain, undo=True)
    assert left.count() == 7  # one of step 5, both of steps 4 and 3, those of steps 2 and 1
    assert_undisturbed(short_night(half_undone.region))
    assert not left.exists()


@pytest.mark.slow
def test_undone_once_more_nothing_is_left_and_it_runs_again(half_undone: Run) -> None:
    """S2-20, X-10"""
    assert half_undone.region is not None
    undo_run(half_undone)
    assert not StepPart.objects.filter(step__chain=half_undone.chain, undo=True).exists()
    assert_undisturbed(short_night(half_undone.region))
