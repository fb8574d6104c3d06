"""A reading that is killed between sets and between files, or started eight times: nothing is done twice. S3-10."""

import signal

import pytest
from pytest_django import Settings

from backoffice.runs.control import abandon_stale_runs
from backoffice.runs.models import Run, RunStatus
from backoffice.runs.report import run_report
from billing.models import ClaimEvent, Document, Payment
from regions.models import Region
from tests.billing.answered import HOUSE, arrive, everything, paid, process, remittance, send, syntax
from tests.edi.written import file_of, st
from tests.factories import RegionFactory
from tests.processes import Processes, Running, until

pytestmark = pytest.mark.django_db(transaction=True)
QUICK_DEATH = {"RUN_HEARTBEAT_SECONDS": "0.2", "RUN_STALE_SECONDS": "1"}
FILES, SETS, CLAIMS = 3, 12, 30
COMMAND = ("process_claim_files", "--region", "north", "--wait", "--json")


def fill(region: Region, number: int) -> None:
    """A 999 and then files of several payments, of some claims each."""
    controls = [f"A{at:05}" for at in range(FILES * SETS * CLAIMS)]
    send(region, controls, number=number)
    arrive(region, syntax("A", number=number))
    for file in range(FILES):
        sets = []
        for place in range(SETS):
            start = (file * SETS + place) * CLAIMS
            claims = [paid(control) for control in controls[start : start + CLAIMS]]
            sets.append(st("835", *remittance(f"T{start}", *claims, total=130 * CLAIMS), number=place + 1))
        arrive(region, file_of("835", *sets, number=number + 1 + file))


def killed(processes: Processes, payments: int) -> None:
    """The process is gone once that many payments are posted."""
    running: Running = processes.manage(*COMMAND, **QUICK_DEATH)
    until(lambda: Payment.objects.count() >= payments or running.process.poll() is not None, within=120)
    running.signal(signal.SIGKILL)
    assert running.ends(within=20) == -signal.SIGKILL, running.output


@pytest.mark.slow
def test_a_killed_reading_goes_on_after_the_last_set_and_ends_as_if_nothing_had_happened(
    region: Region, processes: Processes, settings: Settings
) -> None:
    fill(region, 100)
    settings.RUN_STALE_SECONDS = 1.0
    for payments in (1, 7, SETS, SETS + 5):
        killed(processes, payments)
        until(lambda: abandon_stale_runs() or not Run.objects.filter(status__in=("queued", "running")).exists())
    done = Payment.objects.count()
    assert SETS + 5 <= done < FILES * SETS
    last = processes.manage(*COMMAND, **QUICK_DEATH)
    assert last.ends(within=240) == 0, last.output
    run = Run.objects.latest("id")
    assert (run.status, run.attempt) == (RunStatus.COMPLETE, 5)
    assert run_report(run)["outcomes"] == {"applied": FILES * SETS + 1}
    assert run_report(run)["money"] == {"paid": str(130 * CLAIMS * FILES * SETS)}
    assert not Document.objects.filter(state=Document.State.NEW).exists()
    assert [document.said["applied"] for document in Document.objects.filter(kind="835")] == [SETS] * FILES
    twin = RegionFactory.create(name="twin", clearinghouse=HOUSE)
    fill(twin, 200)
    process(twin)
    assert everything(region) == everything(twin)


@pytest.mark.slow
def test_eight_at_once_do_the_work_of_one(region: Region, processes: Processes) -> None:
    """One run of a region is live; the others are told so."""
    fill(region, 100)
    started = [processes.manage(*COMMAND) for _ in range(8)]
    ended = sorted(running.ends(within=300) for running in started)
    assert set(ended) <= {0, 75}, [running.output for running in started]
    assert 0 in ended
    reports = [run_report(run) for run in Run.objects.all()]
    assert sum(report["read"] for report in reports) == FILES * SETS + 1
    assert Payment.objects.filter(state=Payment.State.POSTED).count() == FILES * SETS
    assert ClaimEvent.objects.exclude(state="uploaded").count() == 2 * FILES * SETS * CLAIMS


@pytest.mark.slow
def test_what_goes_on_from_nothing_finds_what_was_written_before(region: Region, processes: Processes) -> None:
    """--fresh forgets the checkpoint, and not what is in the database."""
    fill(region, 100)
    killed(processes, 5)
    Run.objects.update(status=RunStatus.ABANDONED)
    fresh = processes.manage(*COMMAND, "--fresh", **QUICK_DEATH)
    assert fresh.ends(within=240) == 0, fresh.output
    report = run_report(Run.objects.latest("id"))
    assert report["outcomes"]["repeated"] >= 5
    assert Payment.objects.filter(state=Payment.State.POSTED).count() == FILES * SETS
    assert ClaimEvent.objects.exclude(state="uploaded").count() == 2 * FILES * SETS * CLAIMS
