"""A step that begins anew or loses its part leaves what an undisturbed one leaves."""

from pathlib import Path
from typing import Any

import pytest

from backoffice.runs import kernel
from backoffice.runs.control import abandon_stale_runs
from backoffice.runs.models import Run, RunStatus, StepState
from claims.pipeline import accumulators
from tests.claims.folders import run_night, small_world, staged, terms
from tests.claims.undisturbed import assert_undisturbed, forget_the_worker, ready, short_night, undisturbed
from tests.running import go_on

pytestmark = pytest.mark.django_db(transaction=True)

STEPS = ("extract", "validate", "enrich", "price", "adjudicate", "remit")


# Restart


@pytest.mark.slow
@pytest.mark.parametrize(
    "step", [pytest.param(step, marks=() if step == "price" else pytest.mark.slow) for step in STEPS]
)
def test_begun_again_from_any_step_it_comes_to_the_same_and_the_later_steps_were_begun_again_too(step: str) -> None:
    """S2-13, S2-20, S2-29"""
    first = short_night(ready())
    again = go_on(first, from_step=step)
    assert_undisturbed(again)
    restarted = StepState.objects.filter(chain=again.chain, restart_count=1).values_list("name", flat=True)
    assert list(restarted) == list(STEPS[STEPS.index(step) :])


# A lost fence


@pytest.mark.slow
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
            newer.append(go_on(Run.objects.latest("pk")))
        return function(*arguments, **named)

    monkeypatch.setattr(module, name, slept)
    older = short_night(ready())
    assert older.status == RunStatus.ABANDONED
    assert_undisturbed(newer[0])


@pytest.mark.slow
def test_a_step_begins_anew_when_a_predecessor_was_restarted_since_it_began(tmp_path: Path) -> None:
    """S2-13: it goes by the counts, however the predecessor came to be restarted."""
    region = staged(tmp_path, small_world(contract_terms=[]))
    run = run_night(region)
    states = StepState.objects.filter(chain=run.chain)
    states.filter(name="validate").update(restart_count=1)
    staged(tmp_path / "terms", {"contract_terms": [terms()]}, region)
    assert go_on(run).status == RunStatus.COMPLETE
    assert dict(states.values_list("name", "restart_count")) == {
        "extract": 0, "validate": 1, "enrich": 1, "price": 1, "adjudicate": 0, "remit": 0,
    }  # fmt: skip
    assert states.get(name="enrich").predecessors == {"extract": 0, "validate": 1}
