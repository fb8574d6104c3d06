"""A hospital that answers rubbish: each appointment read has an outcome, the run a state, nothing is written twice."""

from pathlib import Path

import pytest
from pytest_django import Settings

from backoffice.runs.models import Run, RunStatus
from backoffice.runs.report import run_report
from backoffice.sandbox.hospital import Hospital
from clinic.models import ServiceWrite, WriteState
from regions.models import Region
from tests.garbler import SPOILT, Garbler
from tests.processes import Processes, until
from tests.recovery.conftest import MARCH, TOKEN
from tests.recovery.running import billed, billed_without_faults, recover
from tests.running import finish, go_on

SILENCE = pytest.param("nothing", marks=pytest.mark.slow)  # each call of it takes its whole time-out, four times
OTHERS = [pytest.param(kind, marks=pytest.mark.slow) for kind in sorted(SPOILT.keys() - {"html"})]
KINDS = ["html", *OTHERS]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _impatient(settings: Settings) -> None:
    settings.HOSPITAL_TIMEOUT_SECONDS = 0.4


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_listing_of_rubbish_ends_the_run_with_nothing_read_and_the_restart_reads_it_all(
    region: Region, garbler: Garbler, hospital: Hospital, folder: Path, kind: str
) -> None:
    """S0-18"""
    garbler.fields, garbler.spoil = {"appointments"}, SPOILT[kind]
    run = recover(region, **MARCH)
    assert (run.status, run.reason) == (RunStatus.FAILED, "listing_failed")
    assert run_report(run)["read"] == 0
    assert run_report(run)["progress"]["share"] < 1
    garbler.fields = set()
    again = go_on(run)
    assert again.status == RunStatus.COMPLETE
    assert run_report(again)["read"] == 60
    assert billed(hospital) == billed_without_faults(folder, TOKEN, **MARCH)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("field", ["serviceSessions", "serviceBlock"])
def test_rubbish_for_a_lookup_fails_those_who_needed_it_and_a_later_run_writes_them(
    region: Region, garbler: Garbler, hospital: Hospital, folder: Path, kind: str, field: str
) -> None:
    """S0-08, S0-10, S0-12"""
    garbler.fields, garbler.spoil = {field}, SPOILT[kind]
    run = recover(region, **MARCH)
    report = run_report(run)
    assert run.status == RunStatus.COMPLETE
    assert report["read"] == sum(report["outcomes"].values()) == 60
    assert report["failures"]["lookup"]
    garbler.fields = set()
    again = recover(region, only={"failures_of": run.pk})
    assert again.status == RunStatus.COMPLETE
    assert "lookup" not in run_report(again)["failures"]
    assert billed(hospital) == billed_without_faults(folder, TOKEN, **MARCH)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_rubbish_after_a_write_is_looked_up_and_counts_as_written(
    region: Region, garbler: Garbler, hospital: Hospital, folder: Path, kind: str
) -> None:
    """X-20, S0-13"""
    garbler.fields, garbler.spoil = {"createServiceSession"}, SPOILT[kind]
    run = recover(region, **MARCH)
    report = run_report(run)
    assert run.status == RunStatus.COMPLETE
    assert report["read"] == sum(report["outcomes"].values()) == 60
    assert report["totals"]["services"] == sum(len(blocks) for _, blocks in billed(hospital))
    garbler.fields = set()
    assert recover(region, **MARCH).status == RunStatus.COMPLETE
    assert billed(hospital) == billed_without_faults(folder, TOKEN, **MARCH)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["html", SILENCE])
def test_a_write_that_nobody_answers_for_is_kept_as_unknown_and_settled_by_the_next_run(
    region: Region, garbler: Garbler, hospital: Hospital, folder: Path, kind: str
) -> None:
    """X-20, S0-11"""
    garbler.fields = {"createServiceSession", "serviceSessionByIdempotencyKey"}
    garbler.spoil = SPOILT[kind]
    run = recover(region, **MARCH)
    kept = ServiceWrite.objects.filter(state=WriteState.UNKNOWN).count()
    assert run_report(run)["failures"]["write_path"] == {"unknown": kept}
    assert kept >= len(hospital.sessions_written()) > 0
    assert run_report(run)["totals"]["services"] == 0
    garbler.fields = set()
    again = recover(region, **MARCH)
    assert again.status == RunStatus.COMPLETE
    assert run_report(again)["totals"]["unknown_settled"] == len(hospital.sessions_written())
    assert billed(hospital) == billed_without_faults(folder, TOKEN, **MARCH)


@pytest.mark.slow
def test_a_worker_survives_a_hospital_of_rubbish_and_works_the_restart(
    region: Region, garbler: Garbler, queue: object, processes: Processes
) -> None:
    from backoffice.runs.control import restart_run, start_run

    worker = processes.manage("work", HOSPITAL_TIMEOUT_SECONDS="0.4")
    garbler.fields, garbler.spoil = {"appointments"}, SPOILT["ten_megabytes"]
    run = start_run("recover_services", region=region, parameters=MARCH)
    until(lambda: Run.objects.get(pk=run.pk).status == RunStatus.FAILED, within=60)
    assert worker.process.poll() is None
    garbler.fields = set()
    again = restart_run(run)
    until(lambda: Run.objects.get(pk=again.pk).status == RunStatus.COMPLETE, within=60)
    assert worker.process.poll() is None


@pytest.mark.slow
def test_a_hospital_that_refuses_every_lookup_ends_the_run_before_it_has_read_it_all(
    region: Region, garbler: Garbler, tmp_path: Path
) -> None:
    """More than half of the last 200 failing for reasons not theirs: the rest is left for the restart."""
    from datetime import date

    from backoffice.sandbox.hospital.generate import generate

    generate(tmp_path / "large", appointments=600, seed=3, start=date(2026, 3, 2), end=date(2026, 3, 30))
    with Hospital(tmp_path / "large", token=TOKEN) as large:
        garbler.target = large.url
        garbler.fields, garbler.spoil = {"serviceSessions"}, SPOILT["html"]
        run = recover(region, window=7, **MARCH)
        assert (run.status, run.reason) == (RunStatus.FAILED, "too_many_faults")
        read = run_report(run)["read"]
        assert 0 < read < 600
        garbler.fields = set()
        again = go_on(run)
        assert again.status == RunStatus.COMPLETE
        assert run_report(again)["read"] == 600
        assert finish(again).status == RunStatus.COMPLETE
