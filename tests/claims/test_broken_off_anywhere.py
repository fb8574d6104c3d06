"""A night that breaks off anywhere, any number of times, and is resumed, begun again from a step or undone in between,
comes out as the claim-at-a-time reference has it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from backoffice.runs.control import restart_run, undo_run
from backoffice.runs.models import Run, RunStatus
from claims.jobs import RUN_PIPELINE
from claims.models import StepSetting
from claims.pipeline import accumulators
from regions.models import Region
from tests.claims import reference
from tests.claims.folders import RUN_DATE, night_of, run_night, staged
from tests.claims.strategies import tables
from tests.claims.test_reference import SLOWLY, assert_as_the_reference
from tests.claims.undisturbed import assert_no_file_is_left_over, forget_the_worker
from tests.running import finish

pytestmark = pytest.mark.django_db(transaction=True)

# A smaller story takes many more nights to find than it saves whoever reads it.
WITHOUT_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)
STEPS = tuple(step.name for step in RUN_PIPELINE.steps)
# Where a process may end: before and after each call of these.
PLACES = (
    "backoffice.runs.kernel:_commit", "backoffice.runs.kernel:write_failures", "backoffice.runs.parts:_complete",
    "backoffice.runs.parts:undo", "claims.pipeline.accumulators:write", "claims.pipeline.accumulators:restore",
    "claims.pipeline.accumulators:forget", "claims.pipeline.accumulators:stored",
    "claims.pipeline.accumulators:stored_in_a_row", "claims.pipeline.files:_write", "claims.pipeline.files:forget",
    "claims.pipeline.frames:append", "claims.pipeline.bulk:forget", "claims.pipeline.verify:expectations",
)  # fmt: skip


class Broken(BaseException):
    """The process ends here: nothing that catches errors catches it."""


@contextmanager
def breaking(at: int) -> Iterator[None]:
    """The so manieth moment of PLACES is the last; 0 for none."""
    moments = 0

    def broken(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            pass_by()
            answer = function(*arguments, **named)
            pass_by()
            return answer

        return call

    def pass_by() -> None:
        nonlocal moments
        moments += 1
        if moments == at:
            raise Broken

    with pytest.MonkeyPatch.context() as patched:
        for place in PLACES:
            module, _, name = place.partition(":")
            patched.setattr(import_module(module), name, broken(getattr(import_module(module), name)))
        yield


# (how it is gone on with, where that breaks off): resumed, begun again from a step, or undone.
turns = st.tuples(st.sampled_from(("resume", "resume", "undo", *STEPS)), st.integers(1, 120))


def go_on(region: Region, how: str, partitions: int) -> Run | None:
    run = Run.objects.filter(region=region).first()
    if how == "undo" and run is not None:
        undo_run(run)
        return None
    if how in STEPS and run is not None and run.status != RunStatus.STOPPED:
        return finish(restart_run(run, attended=True, from_step=how))
    if run is not None and run.status == RunStatus.COMPLETE:
        return run
    return run_night(region, partitions=partitions)


def try_to_break(
    day: dict[str, list[dict[str, str]]], partitions: int, frequencies: list[int], story: list[tuple[str, int]]
) -> None:
    with TemporaryDirectory() as folder:
        region = staged(Path(folder), day)
    members = {row["member_id"] for row in day["claim_lines"]}
    opening = accumulators.stored(region.pk, members)
    for step, frequency in zip(STEPS, frequencies, strict=True):
        StepSetting.objects.filter(step=step).update(commit_frequency=frequency)
    for how, at in story:
        try:
            with breaking(at):
                go_on(region, how, partitions)
        except Broken:
            forget_the_worker()
    run = go_on(region, "resume", partitions)
    assert run is not None
    assert run.status == RunStatus.COMPLETE, run.detail
    assert_as_the_reference(run, reference.night(day, RUN_DATE))
    assert_no_file_is_left_over(night_of(run))
    undo_run(run)
    assert accumulators.stored(region.pk, members) == opening


anything = {
    "partitions": st.integers(1, 3),
    "frequencies": st.lists(st.integers(1, 12), min_size=6, max_size=6),
    "story": st.lists(turns, min_size=1, max_size=5),
}


@pytest.mark.slow
@settings(SLOWLY, phases=WITHOUT_SHRINKING, max_examples=8)
@given(day=tables(most_claims=12), **anything)
def test_it_comes_to_what_the_reference_says(
    day: dict[str, list[dict[str, str]]], partitions: int, frequencies: list[int], story: list[tuple[str, int]]
) -> None:
    """S2-17, S2-18, S2-20, S2-22, S2-24, X-10"""
    try_to_break(day, partitions, frequencies, story)


@pytest.mark.slow
@settings(SLOWLY, phases=WITHOUT_SHRINKING, max_examples=60)
@given(day=tables(most_claims=30), **anything)
def test_it_does_so_often(
    day: dict[str, list[dict[str, str]]], partitions: int, frequencies: list[int], story: list[tuple[str, int]]
) -> None:
    """S2-17, S2-18, S2-20, S2-22, S2-24, X-10"""
    try_to_break(day, partitions, frequencies, story)
