"""Nights follow each other, and only the latest can be taken back."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from backoffice.runs.control import restart_run
from backoffice.runs.faults import Misuse
from backoffice.runs.kernel import work
from backoffice.runs.models import Run, RunStatus
from backoffice.runs.state import waiting_parts
from claims.models import ContractTerms, Night, StagedBatch
from claims.pace import staged_lines
from claims.pipeline import accumulators
from claims.pipeline.load import FolderRefused
from claims.pipeline.restage import release
from claims.rejects import rejects, reprocess
from regions.models import Region
from tests.claims.folders import (
    RUN_DATE,
    adjudicated_of,
    line,
    provider,
    run_night,
    small_world,
    staged,
    terms,
)
from tests.claims.undisturbed import forget_the_worker
from tests.factories import UserFactory
from tests.running import finish, go_on, start

pytestmark = pytest.mark.django_db(transaction=True)

NEXT, AFTER = date(2024, 1, 16), date(2024, 1, 17)


def standing(region: Region) -> dict[accumulators.Key, str]:
    return accumulators.stored(region.pk, ["M"])


def undo(region: Region, run_date: date, **options: bool) -> None:
    call_command("undo_pipeline", region=region.name, run_date=run_date.isoformat(), wait=True, **options)


def export(region: Region, folder: Path) -> None:
    call_command("export_pipeline", region=region.name, run_date=RUN_DATE.isoformat(), output=folder)


@pytest.mark.slow
def test_only_the_latest_night_is_undone_and_then_the_one_before_it(tmp_path: Path) -> None:
    """S2-18, S2-19"""
    region = staged(tmp_path, small_world())
    run_night(region)
    after_first = standing(region)
    staged(tmp_path / "next", {"claim_lines": [line("C2")]}, region)
    second = run_night(region, run_date=NEXT)
    assert standing(region) != after_first
    with pytest.raises(CommandError, match="only the latest can be undone") as refused:
        undo(region, RUN_DATE)
    assert refused.value.returncode == 2
    undo(region, NEXT)
    assert standing(region) == after_first
    assert adjudicated_of(second) == {}
    with pytest.raises(Misuse, match="is not complete"):
        run_night(region, run_date=date(2024, 1, 17))


@pytest.mark.slow
def test_a_line_belongs_to_the_first_night_that_extracts_it_also_when_that_is_run_again(tmp_path: Path) -> None:
    """S2-01, S2-22: what is staged later waits for the next night."""
    region = staged(tmp_path, small_world())
    run_night(region)
    staged(tmp_path / "next", {"claim_lines": [line("C2")]}, region)
    assert list(StagedBatch.objects.order_by("id").values_list("run_date", flat=True)) == [RUN_DATE, None]
    undo(region, RUN_DATE)
    assert list(adjudicated_of(run_night(region))) == [("C1", 1)]
    assert list(adjudicated_of(run_night(region, run_date=NEXT))) == [("C2", 1)]
    assert list(StagedBatch.objects.order_by("id").values_list("run_date", flat=True)) == [RUN_DATE, NEXT]


def test_the_next_night_waits_until_the_one_before_is_complete(tmp_path: Path) -> None:
    """S2-12: it begins with the accumulators that the one before has left."""
    region = staged(tmp_path, small_world(contract_terms=[]))
    assert run_night(region).status == RunStatus.FAILED
    staged(tmp_path / "next", {"claim_lines": [line("C2")], "contract_terms": [terms()]}, region)
    with pytest.raises(Misuse, match=r"The night of 2024-01-15 is not complete\. Finish it, or take it back: "):
        run_night(region, run_date=NEXT)
    assert run_night(region).status == RunStatus.COMPLETE
    assert run_night(region, run_date=NEXT).status == RunStatus.COMPLETE


def again_from_price(tmp_path: Path) -> Region:
    """A region whose night was complete, was begun again from price and failed there."""
    region = staged(tmp_path, small_world())
    run = run_night(region)
    ContractTerms.objects.filter(region=region).delete()
    assert go_on(run, "price").status == RunStatus.FAILED
    return region


@pytest.mark.slow
def test_a_night_that_is_begun_again_is_complete_no_more(tmp_path: Path) -> None:
    """S2-12, S2-13: what an earlier attempt came to is undone."""
    region = again_from_price(tmp_path)
    staged(tmp_path / "next", {"claim_lines": [line("C2")], "contract_terms": [terms()]}, region)
    with pytest.raises(Misuse, match="2024-01-15 is not complete"):
        run_night(region, run_date=NEXT)
    with pytest.raises(CommandError, match="not complete: nothing of it is final") as refused:
        export(region, tmp_path / "out")
    assert refused.value.returncode == 1
    assert not (tmp_path / "out").exists()
    assert run_night(region).status == RunStatus.COMPLETE
    assert run_night(region, run_date=NEXT).status == RunStatus.COMPLETE


@pytest.mark.slow
def test_a_night_that_was_undone_after_a_second_attempt_is_complete_no_more(tmp_path: Path) -> None:
    """S2-12, S2-20"""
    region = staged(tmp_path, small_world())
    assert go_on(run_night(region), "price").status == RunStatus.COMPLETE
    undo(region, RUN_DATE)
    with pytest.raises(CommandError, match="nothing of it is final"):
        export(region, tmp_path / "out")
    with pytest.raises(FolderRefused, match="belongs to the night of 2024-01-15, which is not complete"):
        staged(tmp_path / "next", {"claim_lines": [line()]}, region)


def test_a_night_is_neither_restarted_nor_undone_while_another_waits_for_a_worker(tmp_path: Path) -> None:
    """S2-12, S2-18: it would be changed behind the back of the one that follows it."""
    region = staged(tmp_path, small_world())
    run = run_night(region)
    staged(tmp_path / "next", {"claim_lines": [line("C2")]}, region)
    start("run_pipeline", region, run_date=NEXT.isoformat())
    with pytest.raises(Misuse, match=r"The night of 2024-01-16 is queued\. One night of a region at a time"):
        go_on(run, "price")
    with pytest.raises(CommandError, match="2024-01-16 is queued"):
        undo(region, RUN_DATE)
    assert adjudicated_of(run)


def test_a_night_that_lost_its_turn_between_its_start_and_its_first_step_does_nothing(tmp_path: Path) -> None:
    """S2-12"""
    region = staged(tmp_path, small_world())
    first = run_night(region)
    staged(tmp_path / "next", {"claim_lines": [line("C2")]}, region)
    second = start("run_pipeline", region, run_date=NEXT.isoformat())
    Run.objects.filter(pk=first.pk).update(status=RunStatus.FAILED)
    before = standing(region)
    assert finish(second).detail == "The night of 2024-01-15 is not complete. Finish it, then restart this one."
    assert (second.status, standing(region)) == (RunStatus.FAILED, before)
    assert not StagedBatch.objects.filter(run_date=NEXT).exists()
    assert not Night.objects.filter(run_date=NEXT).exists()


def test_a_night_that_is_begun_again_as_a_later_one_begins_undoes_nothing(tmp_path: Path) -> None:
    """S2-12, S2-20"""
    region = staged(tmp_path, small_world())
    again = restart_run(run_night(region), attended=True, from_step="price")
    Night.objects.create(region=region, run_date=NEXT, chain=uuid4(), partitions=1)
    before = standing(region)
    assert "A later night than 2024-01-15 has begun" in finish(again).detail
    assert (again.status, standing(region)) == (RunStatus.FAILED, before)


@pytest.mark.slow
def test_a_night_of_a_wrong_date_is_taken_off_the_calendar_and_its_lines_wait_again(tmp_path: Path) -> None:
    """S2-01, S2-22"""
    region = staged(tmp_path, small_world())
    wrong = run_night(region, run_date=AFTER)
    with pytest.raises(Misuse, match=f"--region {region.name} --run-date 2024-01-17 --release"):
        run_night(region)
    undo(region, AFTER, release=True)
    assert not Night.objects.filter(region=region).exists()
    assert standing(region) == {}
    right = run_night(region)
    assert (right.status, list(adjudicated_of(right))) == (RunStatus.COMPLETE, [("C1", 1)])
    staged(tmp_path / "next", {"claim_lines": [line("C2")]}, region)
    again = run_night(region, run_date=AFTER)
    assert (again.chain, list(adjudicated_of(again))) == (wrong.chain, [("C2", 1)])


@pytest.mark.slow
def test_nights_are_taken_back_one_after_the_other_and_a_reject_is_paid_once(tmp_path: Path) -> None:
    """S2-18, S2-22: what the second night paid of the first one's rejects is the first one's to decide again."""
    region = staged(tmp_path, small_world(claim_lines=[line(), line("C2", provider_npi="Q")]))
    first = run_night(region)
    staged(tmp_path / "next", {"providers": [provider("P"), provider("Q")]}, region)
    assert reprocess(rejects().filter(run=first), UserFactory.create()).claims == 1
    assert list(adjudicated_of(run_night(region, run_date=NEXT))) == [("C2", 1)]
    for run_date in (NEXT, RUN_DATE):
        undo(region, run_date, release=True)
    assert standing(region) == {}
    assert set(adjudicated_of(run_night(region))) == {("C1", 1), ("C2", 1)}
    with pytest.raises(Misuse, match="No claims are staged"):
        run_night(region, run_date=NEXT)


def test_a_night_whose_lines_an_earlier_one_took_back_takes_none_that_wait(tmp_path: Path) -> None:
    """S2-12: it showed what was loaded for a later night as its own, and took it."""
    region = staged(tmp_path, small_world(claim_lines=[line(), line("C2", provider_npi="Q")]))
    first = run_night(region)
    assert reprocess(rejects().filter(run=first), UserFactory.create()).claims == 1
    second = run_night(region, run_date=NEXT)
    undo(region, NEXT)
    assert staged_lines(region, NEXT) == 1
    assert go_on(first, "validate").status == RunStatus.COMPLETE
    staged(tmp_path / "later", {"claim_lines": [line("C3", service_date="2024-01-17")]}, region)
    assert (staged_lines(region, NEXT), staged_lines(region, AFTER)) == (0, 1)
    lost = r"2024-01-16 is undone and has no lines any more.*--release --wait$"
    with pytest.raises(Misuse, match=lost):
        run_night(region, run_date=AFTER)
    with pytest.raises(Misuse, match=lost):
        go_on(second)
    undo(region, NEXT, release=True)
    assert list(adjudicated_of(run_night(region, run_date=AFTER))) == [("C3", 1)]


def test_only_what_is_undone_is_released(tmp_path: Path) -> None:
    region = staged(tmp_path, small_world())
    run = run_night(region)
    with pytest.raises(Misuse, match=f"not undone: run {run.pk} is complete"):
        release(Night.objects.get(chain=run.chain))
    assert StagedBatch.objects.get(region=region).run_date == RUN_DATE


def test_a_night_that_is_still_to_come_is_not_begun(tmp_path: Path) -> None:
    """A mistyped year would stand in the way of every night before it."""
    region = staged(tmp_path, small_world())
    today = timezone.localdate(timezone=region.zone)
    with pytest.raises(Misuse, match=f"is still to come: in {region.zone} it is {today}"):
        run_night(region, run_date=today + timedelta(days=1))
    assert run_night(region, run_date=today).status == RunStatus.COMPLETE


HOW = [
    pytest.param({}),
    *(pytest.param(each, marks=pytest.mark.slow) for each in ({"fresh": True}, {"from_step": "price"})),
]


def begin(region: Region, **options: Any) -> None:
    call_command("run_pipeline", region=region.name, run_date=RUN_DATE.isoformat(), wait=True, **options)


@pytest.mark.slow
@pytest.mark.parametrize("again", HOW)
def test_a_night_is_not_gone_on_with_in_other_partitions_than_it_was_begun_in(
    tmp_path: Path, again: dict[str, Any]
) -> None:
    """S2-20: it was run in as many as before, and nothing said so."""
    region = staged(tmp_path, small_world(contract_terms=[]))
    assert run_night(region, partitions=2).status == RunStatus.FAILED
    said = rf"run_pipeline for {region.name}:2024-01-15 was begun with partitions 2; continue it with the same\."
    with pytest.raises(CommandError, match=said) as refused:
        begin(region, **again, partitions=3)
    assert refused.value.returncode == 2
    assert Run.objects.filter(job="run_pipeline", region=region).count() == 1


@pytest.mark.parametrize("again", HOW)
def test_a_night_is_gone_on_with_as_it_was_begun_where_nothing_else_is_said(
    tmp_path: Path, again: dict[str, Any]
) -> None:
    """S2-20: "Finish it: manage.py run_pipeline …", and that was refused, for 1 is what is not said."""
    region = staged(tmp_path, small_world(contract_terms=[]))
    assert run_night(region, partitions=2).status == RunStatus.FAILED
    staged(tmp_path / "terms", {"contract_terms": [terms()]}, region)
    begin(region, **again)
    night = Night.objects.get(region=region)
    assert (night.complete, night.partitions) == (True, 2)


@pytest.mark.parametrize("again", HOW)
@pytest.mark.parametrize("free", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_a_night_of_which_nothing_stands_is_run_in_the_partitions_that_are_asked_for(
    tmp_path: Path, again: dict[str, Any], free: bool
) -> None:
    """S2-18, S2-20: a released date could be run no more, but in as many as its first night."""
    region = staged(tmp_path, small_world())
    first = adjudicated_of(run_night(region, partitions=2))
    undo(region, RUN_DATE, release=free)
    begin(region, **again, partitions=3)
    night = Night.objects.get(region=region)
    assert (night.complete, night.partitions) == (True, 3)
    assert night.last_run is not None
    assert night.last_run.parameters["partitions"] == 3
    assert adjudicated_of(night.last_run) == first


def test_a_night_whose_worker_was_lost_is_undone_without_being_stopped(tmp_path: Path) -> None:
    """S2-20"""
    region = staged(tmp_path, small_world())
    run = start("run_pipeline", region, run_date=RUN_DATE.isoformat())
    work(waiting_parts().filter(run=run)[0].pk)
    with pytest.raises(CommandError, match="Stop it first"):
        undo(region, RUN_DATE)
    forget_the_worker()
    undo(region, RUN_DATE)
    run.refresh_from_db()
    assert (run.status, run.reason) == (RunStatus.STOPPED, "undone")


def test_an_undone_night_is_not_restarted_before_the_one_that_it_stands_on(tmp_path: Path) -> None:
    """S2-12, S2-20: it failed, was undone no more, and each of the two nights barred the other for ever."""
    region = again_from_price_before_an_undone_one(tmp_path)
    second = Run.objects.filter(job="run_pipeline", key=f"{region.name}:{NEXT}").latest("attempt")
    with pytest.raises(Misuse, match=r"^The night of 2024-01-15 is not complete\. Finish it, or take it back: "):
        go_on(second)
    assert Night.objects.get(region=region, run_date=NEXT).undone
    staged(tmp_path / "terms", {"contract_terms": [terms()]}, region)
    assert run_night(region).status == RunStatus.COMPLETE
    assert go_on(second).status == RunStatus.COMPLETE


def test_a_night_is_undone_whatever_became_of_the_one_before_it(tmp_path: Path) -> None:
    """S2-18, S2-20: a night that ended before its start was refused is the way out, or there is none."""
    region = again_from_price_before_an_undone_one(tmp_path)
    Run.objects.filter(key=f"{region.name}:{NEXT}").update(status=RunStatus.FAILED, reason="configuration")
    with pytest.raises(CommandError, match="A later night than 2024-01-15 has been run"):
        undo(region, RUN_DATE)
    undo(region, NEXT)
    assert standing(region)  # what the first has adjudicated: its restart has not come so far
    undo(region, RUN_DATE, release=True)
    assert standing(region) == {}
    assert not Night.objects.filter(region=region, run_date=RUN_DATE).exists()


def again_from_price_before_an_undone_one(tmp_path: Path) -> Region:
    """A region whose second night was undone, and whose first was then begun again from price and failed there."""
    region = staged(tmp_path, small_world())
    first = run_night(region)
    staged(tmp_path / "next", {"claim_lines": [line("C2")]}, region)
    run_night(region, run_date=NEXT)
    undo(region, NEXT)
    ContractTerms.objects.filter(region=region).delete()
    assert go_on(first, "price").status == RunStatus.FAILED
    return region
