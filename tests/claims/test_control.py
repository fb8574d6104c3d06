"""A step that begins anew or loses its part leaves what an undisturbed one leaves."""

from typing import Any

import pytest

from backoffice.runs import kernel
from backoffice.runs.control import abandon_stale_runs, restart_run
from backoffice.runs.models import Run, RunStatus, StepState
from claims.pipeline import accumulators
from tests.claims.folders import continued, worked
from tests.claims.undisturbed import assert_undisturbed, forget_the_worker, ready, short_night, undisturbed

pytestmark = pytest.mark.django_db(transaction=True)

STEPS = ("extract", "validate", "enrich", "price", "adjudicate", "remit")


# Restart


@pytest.mark.parametrize(
    "step", [pytest.param(step, marks=() if step == "price" else pytest.mark.slow) for step in STEPS]
)
def test_begun_again_from_any_step_it_comes_to_the_same_and_the_later_steps_were_begun_again_too(step: str) -> None:
    """S2-13, S2-20, S2-29"""
    first = short_night(ready())
    again = continued(first, from_step=step)
    assert_undisturbed(again)
    restarted = StepState.objects.filter(chain=again.chain, restart_count=1).values_list("name", flat=True)
    assert list(restarted) == list(STEPS[STEPS.index(step) :])


# A lost fence


@pytest.mark.parametrize(
    ("module", "name", "call"),
    [
        (accumulators, "fenced", 4),
        pytest.param(kernel, "_commit", 40, marks=pytest.mark.slow),
        pytest.param(kernel, "_commit", 20, marks=pytest.mark.slow),
        pytest.param(kernel, "_fenced", 63, marks=pytest.mark.slow),
    ],
)
def test_a_worker_that_slept_while_another_did_its_part_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, call: int
) -> None:
    """S2-14, S2-22: the older one loses its fence in the accumulators as well as in the work."""
    undisturbed()
    function, calls, newer = getattr(module, name), 0, []

    def slept(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call:
            forget_the_worker()
            assert abandon_stale_runs() == 1
            newer.append(worked(restart_run(Run.objects.latest("pk"), attended=True)))
        return function(*arguments, **named)

    monkeypatch.setattr(module, name, slept)
    older = short_night(ready())
    assert older.status == RunStatus.ABANDONED
    assert_undisturbed(newer[0])
