"""What a night writes down about itself: control rows, restart rows, before images, and how often each step commits."""

from itertools import groupby, pairwise
from typing import Any
from zlib import crc32

import pytest

from backoffice.runs import kernel
from backoffice.runs.job import Job
from backoffice.runs.kernel import work
from backoffice.runs.models import Run, RunStatus, StepPart, StepState
from backoffice.runs.state import waiting_parts
from claims.controls import controls
from claims.models import AdjudicatedClaim, BeforeImage, StagedBatch, StagedLine, StepSetting
from claims.pipeline import accumulators
from claims.pipeline.numbers import PARTITION, base, span
from claims.pipeline.rules import Met
from claims.pipeline.settings import ensure_settings
from regions.models import Region
from tests.claims.folders import RUN_DATE, night_of, run_night
from tests.claims.undisturbed import FREQUENCY, PARTITIONS, assert_undisturbed, ready, short_night, undisturbed
from tests.running import go_on, start

pytestmark = pytest.mark.django_db(transaction=True)

STEPS = ("extract", "validate", "enrich", "price", "adjudicate", "remit")


def test_each_step_has_its_program_and_commits_as_often_as_its_row_says_and_why() -> None:
    """S2-01, S2-02, S2-03, S2-04, S2-05, S2-06, S2-09"""
    rows = StepSetting.objects.order_by("sequence").values_list("step", "program", "commit_frequency")
    assert list(rows) == [
        ("extract", "PNCEXTRT", 10_000), ("validate", "PNCVALID", 5_000), ("enrich", "PNCENRCH", 5_000),
        ("price", "PNCPRICE", 3_000), ("adjudicate", "PNCADJ", 2_000), ("remit", "PNCREMT", 10_000),
    ]  # fmt: skip
    assert all(StepSetting.objects.values_list("rationale", flat=True))
    StepSetting.objects.filter(step="price").update(commit_frequency=560, rationale="Fewer locks.")
    ensure_settings()
    kept = StepSetting.objects.get(step="price")
    assert (kept.commit_frequency, kept.rationale) == (560, "Fewer locks.")


def test_a_step_commits_by_its_own_frequency() -> None:
    """S2-09, S2-44"""
    StepSetting.objects.update(commit_frequency=10_000)
    StepSetting.objects.filter(step="enrich").update(commit_frequency=40)
    run = run_night(ready())
    numbers = dict(StepPart.objects.filter(step__chain=run.chain).values_list("step__name", "checkpoint_number"))
    # The first checkpoint of validate decides.
    assert 5 <= numbers.pop("enrich") <= 288 // 40
    assert numbers == {"extract": 1, "validate": 2, "price": 1, "adjudicate": 1, "remit": 1}


@pytest.mark.slow
def test_the_control_rows_of_a_night_have_all_that_its_steps_came_to() -> None:
    """S2-10, S2-11, S2-44, X-12"""
    run = short_night(ready())
    states = list(StepState.objects.filter(chain=run.chain).prefetch_related("parts"))
    assert [(state.job, state.key, state.name, state.sequence) for state in states] == [
        (run.job, f"{night_of(run).region.name}:{RUN_DATE}", name, sequence) for sequence, name in enumerate(STEPS)
    ]
    for earlier, state in pairwise(states):
        assert state.predecessors == dict.fromkeys(STEPS[: state.sequence], 0)
        assert (state.status, state.restart_count) == ("complete", 0)
        times = [time for time in (earlier.ended_at, state.started_at, state.ended_at) if time]
        assert (len(times), times) == (3, sorted(times))
    rows = {row.name: row for row in controls(states)}
    assert [row.program for row in rows.values()] == [
        "PNCEXTRT", "PNCVALID", "PNCENRCH", "PNCPRICE", "PNCADJ", "PNCREMT",
    ]  # fmt: skip
    records = {output.name: output.records for row in rows.values() for output in row.outputs}
    assert records["extract"] == records["valid"] + records["reject"] == rows["validate"].records_in == 300
    assert (
        records["valid"] == records["enriched"] == records["priced"] == records["adjudicated"] == records["remittance"]
    )
    assert [rows[name].records_in for name in STEPS[2:]] == [records["valid"]] * 4
    for row in rows.values():
        assert all(output.digest for output in row.outputs if output.dollars is not None)


@pytest.mark.slow
def test_a_step_that_failed_is_restarted_once_more_and_the_later_ones_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """S2-10, S2-11, S2-12"""
    undisturbed()
    run = night_that_fails_in(monkeypatch, "price")
    states = StepState.objects.filter(chain=run.chain)
    assert list(states.values_list("status", flat=True)) == [*["complete"] * 3, "failed", "pending", "pending"]
    assert not StepPart.objects.filter(step__in=states.filter(status="pending"), checkpoint_number__gt=0).exists()
    again = go_on(run)
    assert list(states.values_list("restart_count", flat=True)) == [0, 0, 0, 1, 0, 0]
    assert states.get(name="adjudicate").predecessors["price"] == 1
    assert_undisturbed(again)


@pytest.mark.slow
def test_no_step_asks_for_the_restart_row_of_another() -> None:
    """S2-14: a step's own row is all that it goes by."""
    undisturbed()
    StepSetting.objects.update(commit_frequency=FREQUENCY)
    parameters = {"run_date": RUN_DATE.isoformat(), "partitions": PARTITIONS}
    run = start("run_pipeline", ready(), **parameters)
    kept: dict[int, dict[str, Any]] = {}
    while part := waiting_parts().filter(run=run).first():
        others = StepPart.objects.filter(step__chain=run.chain).exclude(step=part.step)
        for other in others.filter(checkpoint_number__gt=0):
            columns = ("checkpoint", "checkpoint_number", "totals", "read")
            kept.setdefault(other.pk, {name: getattr(other, name) for name in columns})
        others.update(checkpoint=None, checkpoint_number=0, totals={}, read=0)
        work(part.pk)
    for pk, values in kept.items():
        StepPart.objects.filter(pk=pk).update(**values)
    for part in StepPart.objects.filter(step__chain=run.chain):
        assert part.done == part.of > 0, part.step.name
    run.refresh_from_db()
    assert_undisturbed(run)


@pytest.mark.slow
def test_every_change_of_an_accumulator_lies_within_an_image_and_the_images_follow_each_other() -> None:
    """S2-15, S2-16, S2-18, X-11"""
    region = ready()
    opening = accumulators.stored(region.pk, members_of(region))
    run = short_night(region)
    begin, end = span(night_of(run).pk)
    rows = list(BeforeImage.objects.filter(pk__gte=begin, pk__lt=end).order_by("member_id", "benefit_year", "id"))
    assert len({row.pk for row in rows}) == len(rows) > 20
    told = 0
    for (member, year), images in groupby(rows, key=lambda row: (row.member_id, row.benefit_year)):
        standing = opening.get((member, year))
        for image in images:
            assert image.before == standing
            told += added(image)
            standing = image.after
        assert accumulators.stored(region.pk, [member])[member, year] == standing
    paid = AdjudicatedClaim.objects.filter(seq__gte=begin, seq__lt=end, denial=0).count()
    assert told == paid > 100
    for part in StepPart.objects.filter(step__chain=run.chain, step__name="adjudicate"):
        first = base(night_of(run).pk, part.partition)
        mine = sorted((row.pk - first, row.checkpoint_number) for row in rows if 0 < row.pk - first < PARTITION)
        assert [number for number, _ in mine] == list(range(1, len(mine) + 1))
        checkpoints = [checkpoint for _, checkpoint in mine]
        assert checkpoints == sorted(checkpoints)
        assert checkpoints[-1] <= part.checkpoint_number


@pytest.mark.slow
def test_two_changes_of_a_member_in_one_night_are_two_images() -> None:
    """X-11: the sequence is of the key, so both can be stored."""
    run = short_night(ready())
    begin, end = span(night_of(run).pk)
    keys = BeforeImage.objects.filter(pk__gte=begin, pk__lt=end).values_list("member_id", "benefit_year")
    assert len(keys) > len(set(keys))


@pytest.mark.slow
def test_members_fall_into_partitions_by_the_crc_32_of_their_ids() -> None:
    """S2-27: on any machine and in any process the same."""
    night = night_of(short_night(ready()))
    begin, end = span(night.pk)
    rows = AdjudicatedClaim.objects.filter(seq__gte=begin, seq__lt=end).values_list("seq", "member_id")
    assert all((seq - begin) // PARTITION == crc32(member.encode()) % PARTITIONS for seq, member in rows)
    assert {(seq - begin) // PARTITION for seq, _ in rows} == set(range(PARTITIONS))


def members_of(region: Region) -> list[str]:
    batches = StagedBatch.objects.filter(region=region)
    return list(StagedLine.objects.filter(batch__in=batches).values_list("member_id", flat=True).distinct())


def added(image: BeforeImage) -> int:
    """How many paid lines lead from the image's before to its after, which they do to the cent."""
    met = accumulators.read(image.before) if image.before is not None else Met()
    rows = AdjudicatedClaim.objects.filter(seq__gte=image.first, seq__lte=image.last, denial=0)
    lines = list(rows.filter(member_id=image.member_id, service_date__year=image.benefit_year))
    for line in lines:
        met.deductible += line.deductible
        met.out_of_pocket += line.copay + line.deductible + line.coinsurance
        met.visits[line.category] = met.visits.get(line.category, 0) + 1
    assert accumulators.spelled(met) == image.after
    return len(lines)


def night_that_fails_in(monkeypatch: pytest.MonkeyPatch, step: str) -> Run:
    """At its third checkpoint."""
    commit, calls = kernel._commit, 0

    def fail(part: StepPart, job: Job, *rest: Any) -> None:
        nonlocal calls
        calls += part.step.name == step
        if calls == 3:
            raise RuntimeError
        commit(part, job, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(kernel, "_commit", fail)
        run = short_night(ready())
    assert run.status == RunStatus.ERRORED
    return run
