"""The Nebraska data with a process that is killed: nothing lost, nothing written twice, the same answer to the cent."""

import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable

import pytest
from pytest_django import Settings

from backoffice.runs.control import abandon_stale_runs
from backoffice.runs.models import Run, RunStatus
from backoffice.sandbox.hospital import Hospital
from clinic.models import ServiceWrite, WriteState
from regions.models import Region
from tests.acceptance.nebraska import NEBRASKA_RANGE, assert_expected
from tests.processes import Processes, Running, until

pytestmark = [pytest.mark.acceptance, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

QUICK_DEATH = {"RUN_HEARTBEAT_SECONDS": "0.2", "RUN_STALE_SECONDS": "1"}


def recover(processes: Processes, *more: str) -> Running:
    return processes.manage("recover_services", "--region", "nebraska", *NEBRASKA_RANGE, "--wait", *more, **QUICK_DEATH)


def some_calls_later(hospital: Hospital, calls: int, running: Running) -> Callable[[], bool]:
    """Whether that many calls have been made since now, or the process has ended by itself."""
    goal = sum(hospital.calls.values()) + calls
    return lambda: sum(hospital.calls.values()) >= goal or running.process.poll() is not None


def bury(settings: Settings) -> None:
    """Wait until the reaper has seen that the killed process is gone."""
    settings.RUN_STALE_SECONDS = 1.0
    until(lambda: abandon_stale_runs() or not Run.objects.filter(status__in=("queued", "running", "stopping")).exists())


def test_killed_at_ten_random_points_and_restarted_it_gives_the_same_answer(
    nebraska: Region, hospital: Hospital, processes: Processes, settings: Settings
) -> None:
    """S0-22"""
    seed = time.time_ns()
    sys.stdout.write(f"seed {seed}\n")  # pytest shows it when the test fails
    dice = random.Random(seed)
    for _ in range(10):
        running = recover(processes)
        until(some_calls_later(hospital, dice.randint(50, 900), running), within=120)
        running.signal(signal.SIGKILL)
        running.ends()
        bury(settings)
    assert recover(processes).ends(within=600) == 0
    run = Run.objects.first()
    assert run is not None
    assert (run.status, run.attempt) == (RunStatus.COMPLETE, 11)
    assert_expected(run)
    assert_written_once(hospital)


def test_killed_between_a_committed_mutation_and_its_chunks_commit_it_counts_what_it_finds_as_its_own(
    nebraska: Region, hospital: Hospital, processes: Processes, settings: Settings
) -> None:
    """X-20, S0-22"""
    # Windows of a year, so that chunks are full: about a hundred writes lie between two commits.
    running = recover(processes, "--window", "366")
    until(lambda: hospital.calls["createServiceSession"] >= 150, within=120)
    running.signal(signal.SIGKILL)
    running.ends()
    lost = open_and_written(hospital)
    assert lost, "the process was to die with a session written at the hospital and not counted here"
    bury(settings)
    assert recover(processes, "--window", "366").ends(within=600) == 0
    run = Run.objects.first()
    assert run is not None
    assert_expected(run)
    assert_written_once(hospital)
    assert set(ServiceWrite.objects.filter(settled=True).values_list("idempotency_key", flat=True)) >= lost


def test_told_to_end_it_stops_after_the_chunk_and_says_how_to_go_on(
    nebraska: Region, hospital: Hospital, processes: Processes
) -> None:
    running = recover(processes)
    until(lambda: hospital.calls["createServiceSession"] >= 100, within=120)
    running.signal(signal.SIGTERM)
    assert running.ends(within=120) == 1
    run = Run.objects.get()
    assert run.status == RunStatus.STOPPED
    assert f"restart_run {run.pk}" in running.output
    assert not open_and_written(hospital)
    assert processes.manage("restart_run", str(run.pk), "--wait").ends(within=600) == 0
    again = Run.objects.first()
    assert again is not None
    assert_expected(again)
    assert_written_once(hospital)


def open_and_written(hospital: Hospital) -> set[str]:
    """Keys of writes that the hospital has and that stand open here."""
    intended = set(ServiceWrite.objects.filter(state=WriteState.INTENDED).values_list("idempotency_key", flat=True))
    return intended & set(hospital.keys_received)


def assert_written_once(hospital: Hospital) -> None:
    """No block of an appointment stands twice in what was written."""
    billed = Counter(
        (session.appointment_id, service.block_code)
        for session in hospital.sessions_written()
        for service in session.services
    )
    assert not [pair for pair, times in billed.items() if times > 1]
