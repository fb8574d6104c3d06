"""A night whose process was killed anywhere leaves, once it is continued, what an undisturbed one leaves."""

import signal
import sys
from collections.abc import Callable

import pytest

from backoffice.runs.models import Run, RunStatus, StepPart
from claims.models import BeforeImage, StepSetting
from claims.pipeline.numbers import span
from regions.models import Region
from tests.claims.folders import RUN_DATE, night_of
from tests.claims.undisturbed import (
    FREQUENCY,
    PARTITIONS,
    assert_undisturbed,
    forget_the_worker,
    left_by,
    on_disk,
    ready,
    short_night,
    undisturbed,
)
from tests.processes import Processes

pytestmark = pytest.mark.django_db(transaction=True)

COMMIT, IN_COMMIT = "backoffice.runs.kernel:_commit", "backoffice.runs.kernel:write_failures"
COMPLETE, VERIFY = "backoffice.runs.parts:_complete", "claims.pipeline.verify:expectations"
ACCUMULATORS, RESTORE = "claims.pipeline.accumulators:write", "claims.pipeline.accumulators:restore"
FILE, SYNC = "claims.pipeline.files:_write", "os:fsync"
STEPS = ("extract", "validate", "enrich", "price", "adjudicate", "remit")

Kill = Callable[..., Run]


@pytest.fixture
def killed(processes: Processes) -> Kill:
    """The region's night, dead at the point; its heartbeat is old."""

    def kill(region: Region, *point: str, **environment: str) -> Run:
        undisturbed()
        StepSetting.objects.update(commit_frequency=FREQUENCY)
        arguments = ("-m", "tests.claims.dying", region.name, str(PARTITIONS), *point)
        child = processes.start(sys.executable, *arguments, **environment)
        assert child.ends(within=60) == -signal.SIGKILL, child.output
        forget_the_worker()
        run = Run.objects.filter(region=region).first()
        assert run is not None
        return run

    return kill


def images_above_the_checkpoint(run: Run) -> int:
    begin, end = span(night_of(run).pk)
    images = BeforeImage.objects.filter(id__gte=begin, id__lt=end)
    parts = StepPart.objects.filter(step__chain=run.chain, step__name="adjudicate")
    return sum(
        images.filter(
            id__gte=span(night_of(run).pk, part.partition)[0], id__lt=span(night_of(run).pk, part.partition)[1],
            checkpoint_number__gt=part.checkpoint_number,
        ).count()
        for part in parts
    )  # fmt: skip


@pytest.mark.slow
def test_killed_when_the_images_are_committed_and_the_accumulators_not_yet_written(killed: Kill) -> None:
    """S2-17, S2-21, X-10"""
    region = ready()
    assert images_above_the_checkpoint(killed(region, ACCUMULATORS, "before", "4")) > 0
    again = short_night(region)
    assert images_above_the_checkpoint(again) == 0
    assert_undisturbed(again)


def test_killed_when_the_accumulators_are_written_and_the_checkpoint_is_not_committed(killed: Kill) -> None:
    """S2-17, S2-18, S2-22, X-10"""
    region = ready()
    assert images_above_the_checkpoint(killed(region, COMMIT, "before", "4", "adjudicate")) > 0
    again = short_night(region)
    assert images_above_the_checkpoint(again) == 0
    assert_undisturbed(again)


@pytest.mark.slow
def test_killed_once_more_while_the_accumulators_are_put_back(killed: Kill) -> None:
    """S2-17, X-10: to restore twice is to restore once."""
    region = ready()
    killed(region, COMMIT, "before", "4", "adjudicate")
    killed(region, RESTORE, "after", "1", "adjudicate")
    assert_undisturbed(short_night(region))


@pytest.mark.slow
@pytest.mark.parametrize("step", ["validate", "remit"])
def test_killed_with_files_written_that_no_checkpoint_vouches_for(killed: Kill, step: str) -> None:
    """S2-24, X-12"""
    region = ready()
    run = killed(region, COMMIT, "before", "3", step)
    assert len(set(on_disk(night_of(run)))) > night_of(run).files.count()
    assert_undisturbed(short_night(region))


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    "point",
    [
        (COMMIT, "before", "2"), (IN_COMMIT, "after", "2"), (COMMIT, "after", "2"), (COMMIT, "before", "5"),
        (COMPLETE, "before", "2"), (COMPLETE, "after", "2"), (VERIFY, "before", "1"), (VERIFY, "after", "1"),
    ],
)  # fmt: skip
def test_killed_anywhere_in_any_step(killed: Kill, step: str, point: tuple[str, ...]) -> None:
    """S2-17, S2-22, S2-24, S2-25, S2-32, S2-33"""
    region = ready()
    run = killed(region, *point, step)
    over = (step, *point[:2]) == ("remit", COMPLETE, "after")
    assert run.status == (RunStatus.COMPLETE if over else RunStatus.RUNNING)
    assert_undisturbed(run if over else short_night(region))


@pytest.mark.slow
@pytest.mark.parametrize(
    "point",
    [
        (SYNC, "before", "20"), (FILE, "after", "2", "/reject/"), (FILE, "after", "2", "/audit/"),
        (ACCUMULATORS, "after", "2"), (ACCUMULATORS, "after", "9"),
    ],
)  # fmt: skip
def test_killed_with_half_a_file_or_half_a_transaction(killed: Kill, point: tuple[str, ...]) -> None:
    """S2-21, S2-24"""
    region = ready()
    killed(region, *point)
    assert_undisturbed(short_night(region))


@pytest.mark.slow
def test_killed_at_every_restart_it_still_comes_to_the_same(killed: Kill) -> None:
    """S2-32, S2-33, S2-34"""
    region = ready()
    for step in STEPS:
        killed(region, IN_COMMIT, "after", "3", step)
        killed(region, COMMIT, "before", "2", step)
    assert_undisturbed(short_night(region))


@pytest.mark.slow
def test_the_command_goes_on_with_a_night_that_was_killed(killed: Kill, processes: Processes) -> None:
    """S2-11, S2-29"""
    region = ready()
    first = killed(region, COMMIT, "before", "4", "adjudicate")
    arguments = ("--region", region.name, "--run-date", str(RUN_DATE), "--partitions", str(PARTITIONS))
    command = processes.manage("run_pipeline", *arguments, "--wait")
    assert command.ends(within=60) == 0, command.output
    again = Run.objects.get(chain=first.chain, attempt=2)
    assert_undisturbed(again)
    assert left_by(again).outputs["adjudicate"]["adjudicated"]["count"] > 0
