"""A range of nights is run again: undone from its end, and run from its beginning."""

import json
import os
import signal
from datetime import date
from itertools import count
from pathlib import Path
from threading import Event
from time import sleep
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.core.management import CommandError, call_command

from backoffice.runs import control
from backoffice.runs.faults import Misuse
from backoffice.runs.kernel import work
from backoffice.runs.models import Run, RunStatus, StepPart
from backoffice.runs.state import waiting_parts
from claims import again
from claims.models import ContractTerms, Fee, Night, StagedBatch
from claims.pipeline import accumulators
from claims.pipeline.restage import discard
from claims.rejects import rejects, reprocess
from regions.models import Region
from tests.claims.folders import (
    RUN_DATE,
    adjudicated_of,
    line,
    plan,
    provider,
    run_night,
    small_world,
    staged,
    terms,
)
from tests.claims.undisturbed import forget_the_worker
from tests.factories import UserFactory
from tests.running import finish

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

SECOND, THIRD = date(2024, 1, 16), date(2024, 1, 17)
DATES = (RUN_DATE, SECOND, THIRD)
# A line's 100.00 go to the deductible until 250.00 are met: each night pays by what those before it have left.
WORLD = small_world(plans=[plan(deductible="250.00")], claim_lines=[line("C1")])


def three_nights(folder: Path) -> Region:
    region = staged(folder / "1", WORLD)
    run_night(region)
    for number, run_date in ((2, SECOND), (3, THIRD)):
        staged(folder / str(number), {"claim_lines": [line(f"C{number}")]}, region)
        run_night(region, run_date=run_date)
    return region


def rerun(region: Region, first: date = RUN_DATE, last: date = THIRD, **options: Any) -> None:
    """The command as cron gives it."""
    given = {"from": first.isoformat(), "to": last.isoformat(), "wait": True, **options}
    call_command("rerun_pipeline", region=region.name, **given)


def left(region: Region) -> dict[str, Any]:
    """What stands: each night's lines as they were paid, and the member's accumulators."""
    nights = {
        str(night.run_date): (night.complete, adjudicated_of(run) if (run := night.last_run) else None)
        for night in Night.objects.filter(region=region)
    }
    return {"nights": nights, "accumulators": accumulators.stored(region.pk, ["M"])}


def paid(region: Region, run_date: date) -> dict[tuple[str, int], str]:
    run = Night.objects.get(region=region, run_date=run_date).last_run
    assert run is not None
    return {key: found["paid"] for key, found in adjudicated_of(run).items()}


def test_nights_run_again_over_the_same_tables_come_to_the_same(tmp_path: Path) -> None:
    """S2-18, S2-20, S2-22"""
    region = three_nights(tmp_path)
    before = left(region)
    assert paid(region, THIRD) == {("C3", 1): "40.00"}  # 50.00 to the deductible, a fifth of the other 50.00
    rerun(region)
    assert left(region) == before
    assert Run.objects.filter(region=region, job="run_pipeline").count() == 6


def test_each_night_reads_the_tables_as_they_are_now_and_what_the_one_before_has_left(tmp_path: Path) -> None:
    """S2-12, S2-19: a fee that was wrong in all three of them."""
    region = three_nights(tmp_path)
    Fee.objects.filter(region=region).update(fee="200.00")
    rerun(region, SECOND)
    assert paid(region, RUN_DATE) == {("C1", 1): "0.00"}
    assert paid(region, SECOND) == {("C2", 1): "40.00"}  # 100.00 were met, 150.00 more are
    assert paid(region, THIRD) == {("C3", 1): "160.00"}


def test_a_preview_says_what_would_be_undone_and_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    region = three_nights(tmp_path)
    before = left(region)
    rerun(region, SECOND, preview=True)
    said = capsys.readouterr().out.splitlines()
    assert said[0] == (
        "2024-01-16  complete   1 line: 1 paid ($0.00), 0 denied, 0 rejected; undone: what 6 steps have written,"
        " 1 adjudicated line, remittances of 1 provider, accumulators put back from 1 before image"
    )
    assert said[1].startswith("2024-01-17  complete   1 line: 1 paid ($40.00)")
    assert said[2].startswith("2 nights, $40.00 paid. To run again takes about ")
    rerun(region, SECOND, preview=True, json=True)
    found = json.loads(capsys.readouterr().out)
    assert [(each["run_date"], each["amount"]) for each in found["nights"]] == [
        ("2024-01-16", "0.00"),
        ("2024-01-17", "40.00"),
    ]
    assert left(region) == before
    assert not Run.objects.filter(job="rerun_pipeline").exists()


@pytest.mark.parametrize("preview", [True, False])
def test_a_night_after_the_range_is_named_and_nothing_is_undone(tmp_path: Path, preview: bool) -> None:
    """S2-18: it stands on the accumulators that the range has left."""
    region = three_nights(tmp_path)
    before = left(region)
    says = (
        r"^The night of 2024-01-16 stands on what these have left\. Run it again with them: --to 2024-01-17; or undo it"
        rf" first: manage\.py undo_pipeline --region {region.name} --run-date 2024-01-17 --wait$"
    )
    with pytest.raises(CommandError, match=says) as refused:
        rerun(region, RUN_DATE, RUN_DATE, preview=preview)
    assert refused.value.returncode == 2
    assert left(region) == before


def test_a_night_after_the_range_that_is_undone_bars_nothing(tmp_path: Path) -> None:
    region = three_nights(tmp_path)
    before = left(region)
    call_command("undo_pipeline", region=region.name, run_date=THIRD.isoformat(), wait=True)
    rerun(region, RUN_DATE, SECOND)
    run_night(region, run_date=THIRD)
    assert left(region) == before


def broken_in_the_second(tmp_path: Path) -> Region:
    """Its second night has a line of a contract without terms, that was there when it ran first."""
    both = [provider("P"), provider("Q", contract_id="K2")]
    region = staged(tmp_path / "1", WORLD | {"providers": both, "contract_terms": [terms(), terms(contract_id="K2")]})
    run_night(region)
    for number, npi, run_date in ((2, "Q", SECOND), (3, "P", THIRD)):
        staged(tmp_path / str(number), {"claim_lines": [line(f"C{number}", provider_npi=npi)]}, region)
        run_night(region, run_date=run_date)
    return region


def test_a_night_that_fails_stops_the_rest_and_the_same_command_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """S2-12, S2-20"""
    region = broken_in_the_second(tmp_path)
    before = left(region)
    kept = ContractTerms.objects.get(region=region, contract_id="K2")
    ContractTerms.objects.filter(pk=kept.pk).delete()
    with pytest.raises(SystemExit, match="1"):
        rerun(region)
    said = capsys.readouterr().err
    assert "The night of 2024-01-16 is failed, run " in said
    assert f"manage.py run_pipeline --region {region.name} --run-date 2024-01-16 --wait" in said
    complete = {str(night.run_date): night.complete for night in Night.objects.filter(region=region)}
    assert complete == {"2024-01-15": True, "2024-01-16": False, "2024-01-17": False}
    kept.save(force_insert=True)
    rerun(region)
    assert left(region) == before
    first, again_ = Run.objects.filter(job="rerun_pipeline").order_by("id")
    assert (first.reason, first.chain, again_.status) == ("night_failed", again_.chain, "complete")
    # The first night was complete by then, and is not run a third time.
    assert Run.objects.filter(chain=Night.objects.get(region=region, run_date=RUN_DATE).chain).count() == 2


def test_a_night_that_was_finished_by_hand_is_not_run_again_when_the_rest_goes_on(tmp_path: Path) -> None:
    region = broken_in_the_second(tmp_path)
    before = left(region)
    kept = ContractTerms.objects.get(region=region, contract_id="K2")
    ContractTerms.objects.filter(pk=kept.pk).delete()
    with pytest.raises(SystemExit):
        rerun(region)
    kept.save(force_insert=True)
    call_command("run_pipeline", region=region.name, run_date=SECOND.isoformat(), wait=True)
    rerun(region)
    assert left(region) == before
    assert Run.objects.filter(chain=Night.objects.get(region=region, run_date=SECOND).chain).count() == 3


@pytest.mark.usefixtures("queue")
def test_a_worker_that_has_to_go_hands_the_rest_of_the_range_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it does on SIGTERM: another one goes on with the night and with those after it."""
    region = three_nights(tmp_path)
    before = left(region)
    parameters = {"from": RUN_DATE.isoformat(), "to": THIRD.isoformat()}
    whole = control.start_run("rerun_pipeline", region=region, parameters=parameters)
    work(waiting_parts().get(run=whole).pk)  # all are undone
    with monkeypatch.context() as patch:
        patch.setattr("backoffice.runs.kernel._handover", leaving := Event())
        leaving.set()
        work(waiting_parts().get(run=whole).pk)
    whole.refresh_from_db()
    night = Night.objects.get(region=region, run_date=RUN_DATE).last_run
    assert night is not None
    assert (whole.status, night.status, night.attended) == (RunStatus.RUNNING, RunStatus.RUNNING, False)
    assert finish(whole).status == RunStatus.COMPLETE
    assert left(region) == before


class Killed(BaseException):
    """Nothing of the process catches it."""


QUICK = [("undo_run", "after", 1), ("restart_run", "after", 1), ("work", "after", 7)]
SLOW = [("undo_run", "before", 1), ("undo_run", "after", 2), ("work", "before", 2), ("work", "before", 12)]
MOMENTS = [*QUICK, *(pytest.param(*moment, marks=pytest.mark.slow) for moment in SLOW)]


@pytest.mark.parametrize(("function", "moment", "times"), MOMENTS)
def test_a_command_that_was_killed_in_between_comes_to_the_same_when_it_is_given_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str, moment: str, times: int
) -> None:
    """S2-20, S2-22"""
    region = three_nights(tmp_path)
    before = left(region)
    does, calls = getattr(again, function), count(1)

    def dies(*args: Any, **named: Any) -> Any:
        call = next(calls)
        if moment == "before" and call == times:
            raise Killed
        answer = does(*args, **named)
        if call == times:
            raise Killed
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(again, function, dies)
        with pytest.raises(Killed):
            rerun(region)
    with pytest.raises(CommandError, match="is already running") as refused:
        rerun(region)
    assert refused.value.returncode == 75
    forget_the_worker()
    rerun(region)
    assert left(region) == before


def test_nights_are_run_again_in_other_partitions_where_that_is_asked_for(tmp_path: Path) -> None:
    """S2-20: what was divided otherwise comes to the same."""
    region = three_nights(tmp_path)
    before = left(region)
    rerun(region, partitions=3)
    assert left(region) == before
    for night in Night.objects.filter(region=region):
        assert night.partitions == 3
        assert StepPart.objects.filter(step__chain=night.chain, step__name="price", status="complete").count() == 3
    rerun(region, THIRD)
    assert {night.partitions for night in Night.objects.filter(region=region)} == {3}


def test_a_chain_is_divided_otherwise_only_when_it_is_undone(tmp_path: Path) -> None:
    region = staged(tmp_path, small_world(contract_terms=[]))
    run = run_night(region)
    assert run.status == RunStatus.FAILED
    with pytest.raises(Misuse, match="is not undone, so it goes on as it was begun"):
        control.restart_run(run, attended=True, parameters={**run.parameters, "partitions": 2})


def test_a_reject_that_a_later_night_has_paid_is_paid_once(tmp_path: Path) -> None:
    """S2-18, S2-22: the first night decides on it again, so the second has its lines no more."""
    region = staged(tmp_path / "1", small_world(claim_lines=[line(), line("C2", provider_npi="Q")]))
    first = run_night(region)
    staged(tmp_path / "2", {"providers": [provider("P"), provider("Q")], "claim_lines": [line("C3")]}, region)
    reprocess(rejects().filter(run=first), UserFactory.create())
    run_night(region, run_date=SECOND)
    assert set(paid(region, SECOND)) == {("C2", 1), ("C3", 1)}
    rerun(region, RUN_DATE, SECOND)
    assert set(paid(region, RUN_DATE)) == {("C1", 1), ("C2", 1)}
    assert set(paid(region, SECOND)) == {("C3", 1)}


def test_a_night_that_had_only_rejects_of_another_is_left_out(tmp_path: Path) -> None:
    """S2-22: what waits for tonight is not taken into a night of last week."""
    region = staged(tmp_path / "1", small_world(claim_lines=[line(), line("C2", provider_npi="Q")]))
    first = run_night(region)
    staged(tmp_path / "2", {"providers": [provider("P"), provider("Q")]}, region)
    reprocess(rejects().filter(run=first), UserFactory.create())
    run_night(region, run_date=SECOND)
    staged(tmp_path / "3", {"claim_lines": [line("C9")]}, region)
    rerun(region, RUN_DATE, SECOND)
    assert set(paid(region, RUN_DATE)) == {("C1", 1), ("C2", 1)}
    assert not Night.objects.filter(region=region, run_date=SECOND).exists()
    assert StagedBatch.objects.get(region=region, run_date=None).lines == 1
    part = StepPart.objects.get(run__job="rerun_pipeline", step__name="run")
    assert part.outcomes == {"complete": 1, "left_out": 1}


def test_a_corrected_claim_whose_first_form_passes_now_is_not_paid_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """S2-22: the lines were rejected once and came again, and the tables let both pass."""
    region = staged(tmp_path / "1", small_world(claim_lines=[line(), line("C2", provider_npi="Q")]))
    run_night(region)
    staged(tmp_path / "2", {"claim_lines": [line("C2")]}, region)
    run_night(region, run_date=SECOND)
    staged(tmp_path / "3", {"providers": [provider("P"), provider("Q")]}, region)
    with pytest.raises(SystemExit):
        rerun(region, RUN_DATE, SECOND)
    again = StagedBatch.objects.get(region=region, run_date=SECOND)
    said = f"Claim C2 line 1 of batch {again.pk - 1} passes now, but has come again: it is in batch {again.pk}."
    assert said in capsys.readouterr().err
    call_command("undo_pipeline", region=region.name, run_date=SECOND.isoformat(), release=True, wait=True)
    discard(again)
    rerun(region, RUN_DATE, SECOND)
    assert set(paid(region, RUN_DATE)) == {("C1", 1), ("C2", 1)}


@pytest.mark.parametrize(
    ("first", "last", "says"),
    [
        (THIRD, RUN_DATE, "from 2024-01-17 is after to 2024-01-15"),
        (date(2023, 1, 1), date(2023, 2, 1), r"has no night from 2023-01-01 to 2023-02-01\. Latest: 2024-01-17, 2024"),
    ],
)
def test_a_range_without_nights_is_refused(tmp_path: Path, first: date, last: date, says: str) -> None:
    region = three_nights(tmp_path)
    with pytest.raises(CommandError, match=says) as refused:
        rerun(region, first, last)
    assert refused.value.returncode == 2


def test_a_range_begins_where_the_night_before_is_complete(tmp_path: Path) -> None:
    """S2-12"""
    region = three_nights(tmp_path)
    for run_date in (THIRD, SECOND):
        call_command("undo_pipeline", region=region.name, run_date=run_date.isoformat(), wait=True)
    with pytest.raises(CommandError, match="The night of 2024-01-16 before them is not complete"):
        rerun(region, THIRD)


def test_who_stops_the_whole_stops_the_night_in_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C, and what the run's page does."""
    region = three_nights(tmp_path)
    before = left(region)
    monkeypatch.setattr(again, "POLL_SECONDS", 0.01)

    def stopping(part: int) -> None:
        whole = Run.objects.get(job="rerun_pipeline", status=RunStatus.RUNNING)
        os.kill(os.getpid(), signal.SIGTERM)
        while not Run.objects.filter(pk=whole.pk, status=RunStatus.STOPPING).exists():
            sleep(0.01)
        work(part)

    with monkeypatch.context() as patch:
        patch.setattr(again, "work", stopping)
        with pytest.raises(SystemExit):
            rerun(region)
    whole = Run.objects.get(job="rerun_pipeline")
    night = Night.objects.get(region=region, run_date=RUN_DATE).last_run
    assert night is not None
    assert (whole.status, night.status) == (RunStatus.STOPPED, RunStatus.STOPPED)
    rerun(region)
    assert left(region) == before


def test_a_night_that_somebody_stops_ends_the_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    region = three_nights(tmp_path)

    def stopped(part: int) -> None:
        control.stop_run(Run.objects.get(job="run_pipeline", status__in=("queued", "running")))
        work(part)

    monkeypatch.setattr(again, "work", stopped)
    with pytest.raises(SystemExit):
        rerun(region)
    assert "The night of 2024-01-15 is stopped" in capsys.readouterr().err


def test_who_asked_for_it_is_named_in_the_audit_log_and_on_each_night(tmp_path: Path) -> None:
    region, user = three_nights(tmp_path), UserFactory.create()
    parameters = {"from": SECOND.isoformat(), "to": THIRD.isoformat()}
    run = finish(control.start_run("rerun_pipeline", region=region, parameters=parameters, user=user, attended=True))
    assert run.status == RunStatus.COMPLETE, run.detail
    undone = LogEntry.objects.filter(changes__has_key="outputs")
    assert {entry.actor for entry in undone} == {user}
    assert undone.count() == 2
    runs = Run.objects.filter(job="run_pipeline", region=region, started_by=user)
    assert {each.parameters["run_date"] for each in runs} == {SECOND.isoformat(), THIRD.isoformat()}
