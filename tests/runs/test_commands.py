"""What all job commands share: exit status, one clear line for bad use, --json, --wait, continuing."""

import json
import secrets
import signal
import socket
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from django.core.management import CommandError, call_command
from redis import Redis

from backoffice.runs.alerts import failed_runs
from backoffice.runs.control import start_run
from backoffice.runs.models import Run, RunStatus, StepPart
from backoffice.sandbox.hospital import Hospital
from backoffice.sandbox.hospital.generate import generate
from regions.models import Region
from tests.conftest import database_url
from tests.factories import RegionFactory
from tests.processes import Processes, until

pytestmark = pytest.mark.django_db(transaction=True)
RANGE = ("--from", "2026-03-01", "--to", "2026-04-01")
MARCH = {"from": "2026-03-01", "to": "2026-04-01"}


@pytest.fixture
def hospital(tmp_path: Path) -> Hospital:
    generate(tmp_path / "hospital", appointments=60, seed=5, start=date(2026, 3, 2), end=date(2026, 3, 30))
    return Hospital(tmp_path / "hospital", token="right").start()


@pytest.fixture
def north(hospital: Hospital, transactional_db: None) -> Region:
    values = {"HOSPITAL_GRAPHQL_URL": hospital.url, "HOSPITAL_API_TOKEN": "right"}
    return RegionFactory.create(name="north", time_zone="America/Chicago", env_vars=values)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def one_line(output: str) -> str:
    lines = [line for line in output.splitlines() if line.strip()]
    assert len(lines) == 1, output
    assert "Traceback" not in output
    return lines[0]


def test_a_complete_run_is_silent_and_ends_with_0(north: Region, processes: Processes) -> None:
    running = processes.manage("recover_services", "--region", "north", *RANGE, "--wait")
    assert running.ends(within=60) == 0, running.output
    assert running.output == ""


@pytest.mark.slow
def test_json_is_one_object_and_nothing_else(north: Region, processes: Processes) -> None:
    running = processes.manage("recover_services", "--region", "north", *RANGE, "--wait", "--json")
    assert running.ends(within=60) == 0, running.output
    report = json.loads(running.output)
    assert {"id", "job", "key", "status", "read", "outcomes", "failures", "money", "seconds", "calls"} <= set(report)
    assert report["status"] == "complete"
    assert report["read"] == sum(report["outcomes"].values()) == 60
    assert report["calls"]["create_session"] > 0


@pytest.mark.slow
def test_a_second_command_while_one_runs_ends_with_75_and_changes_nothing(north: Region, processes: Processes) -> None:
    start_run("recover_services", region=north, parameters=MARCH, attended=True)
    running = processes.manage("recover_services", "--region", "north", *RANGE, "--wait")
    assert running.ends(within=60) == 75, running.output
    assert "already" in one_line(running.output)
    assert Run.objects.count() == 1


def test_a_run_that_waits_for_workers_that_are_gone_is_refused_with_what_to_do(north: Region, queue: Redis) -> None:
    waiting = start_run("recover_services", region=north, parameters=MARCH)
    for command in (("recover_services", "--region", "north", *RANGE, "--wait"), ("restart_run", str(waiting.pk))):
        with pytest.raises(CommandError, match=r"already queued: .+ start one with manage.py work") as refused:
            call_command(*command)
        assert refused.value.returncode == 75


@pytest.mark.slow
def test_wrong_use_is_one_line_and_ends_with_2(north: Region, processes: Processes) -> None:
    running = processes.manage("recover_services", "--region", "nowhere", *RANGE, "--wait")
    assert running.ends(within=60) == 2, running.output
    assert "north" in one_line(running.output)
    assert Run.objects.count() == 0


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("--region", "nowhere", *RANGE), "north"),
        (("--region", "north", "--from", "2026-04-01", "--to", "2026-03-01"), "empty"),
        (("--region", "north", "--from", "yesterday", "--to", "2026-03-01"), "2026-11-21"),
        (("--region", "north"), "days"),
        (("--region", "north", "--days", "0"), "days"),
        (("--region", "north", *RANGE, "--chunk", "201"), "200"),
        (("--region", "north", *RANGE, "--window", "0"), "window"),
    ],
)
def test_each_wrong_use_says_what_to_do(north: Region, arguments: tuple[str, ...], hint: str) -> None:
    with pytest.raises(CommandError, match=hint) as refused:
        call_command("recover_services", *arguments, "--wait")
    assert refused.value.returncode == 2
    assert one_line(str(refused.value))
    assert Run.objects.count() == 0


@pytest.mark.slow
def test_a_wrong_token_ends_with_1_and_one_line_that_says_what_to_do(north: Region, processes: Processes) -> None:
    north.env_vars = {**north.env_vars, "HOSPITAL_API_TOKEN": "wrong"}
    north.save()
    running = processes.manage("recover_services", "--region", "north", *RANGE, "--wait")
    assert running.ends(within=60) == 1, running.output
    assert "restart_run" in one_line(running.output)
    assert Run.objects.get().reason == "configuration"


@pytest.mark.slow
def test_an_unreachable_hospital_ends_with_1_and_can_be_continued(
    north: Region, hospital: Hospital, processes: Processes
) -> None:
    hospital.stop()
    running = processes.manage("recover_services", "--region", "north", *RANGE, "--wait")
    assert running.ends(within=120) == 1, running.output
    assert "restart_run" in one_line(running.output)
    hospital.start()
    again = processes.manage("recover_services", "--region", "north", *RANGE, "--wait")
    assert again.ends(within=60) == 0, again.output
    assert list(Run.objects.values_list("attempt", "status")) == [(2, "complete"), (1, "failed")]


@pytest.mark.slow
def test_fresh_begins_again_where_the_same_command_would_continue(
    north: Region, hospital: Hospital, processes: Processes
) -> None:
    hospital.stop()
    processes.manage("recover_services", "--region", "north", *RANGE, "--wait").ends(within=120)
    hospital.start()
    assert processes.manage("recover_services", "--region", "north", *RANGE, "--wait", "--fresh").ends(within=60) == 0
    assert set(Run.objects.values_list("attempt", flat=True)) == {1}


@pytest.mark.slow
def test_no_redis_is_one_line_that_says_what_to_do(north: Region, processes: Processes) -> None:
    running = processes.manage(
        "recover_services", "--region", "north", *RANGE, REDIS_URL=f"redis://127.0.0.1:{free_port()}/0"
    )
    assert running.ends(within=60) == 2, running.output
    assert "REDIS_URL" in one_line(running.output)
    assert Run.objects.count() == 0


def test_a_home_that_cannot_be_written_is_one_line_that_says_what_to_do(processes: Processes) -> None:
    running = processes.manage("recover_services", "--region", "north", *RANGE, NIGHTWARD_HOME="/proc/nightward")
    assert running.ends(within=60) == 2, running.output
    assert "NIGHTWARD_HOME" in one_line(running.output)


@pytest.mark.slow
def test_without_wait_a_run_is_enqueued_and_worked_by_a_worker(
    north: Region, queue: Redis, processes: Processes
) -> None:
    assert processes.manage("recover_services", "--region", "north", *RANGE).ends(within=60) == 0
    assert Run.objects.get().status == RunStatus.QUEUED
    processes.manage("work")
    until(lambda: Run.objects.get().status == RunStatus.COMPLETE, within=60)


@pytest.mark.slow
def test_waiting_beside_a_worker_leaves_the_work_to_it(north: Region, queue: Redis, processes: Processes) -> None:
    worker = processes.manage("work")
    until(lambda: queue.smembers("rq:workers"), within=60)
    assert processes.manage("recover_services", "--region", "north", *RANGE, "--wait").ends(within=60) == 0
    run = Run.objects.get()
    assert not run.attended
    assert worker.process.poll() is None


@pytest.mark.slow
def test_a_queued_run_can_be_stopped_and_restarted_by_command(north: Region, queue: Redis) -> None:
    run = start_run("recover_services", region=north, parameters=MARCH)
    call_command("stop_run", str(run.pk))
    run.refresh_from_db()
    assert run.status == RunStatus.STOPPED
    call_command("restart_run", str(run.pk), "--wait")
    assert list(Run.objects.values_list("attempt", "status")) == [(2, "complete"), (1, "stopped")]


@pytest.mark.slow
@pytest.mark.parametrize(("number", "alerts"), [(signal.SIGTERM, 1), (signal.SIGINT, 0)])
def test_a_run_that_a_time_limit_ends_raises_an_alert_and_one_that_a_person_breaks_off_none(
    north: Region, processes: Processes, number: signal.Signals, alerts: int
) -> None:
    """A pod that is told to end at its deadline leaves a run that nobody has asked to stop."""
    command = ("recover_services", "--region", "north", *RANGE, "--wait", "--here", "--chunk", "1")
    running = processes.manage(*command)
    until(lambda: StepPart.objects.filter(checkpoint_number__gt=0).exists(), within=60)
    running.signal(number)
    assert running.ends(within=60) == 1, running.output
    run = Run.objects.get()
    assert (run.status, run.reason) == ("stopped", "terminated" if alerts else "stopped")
    assert [wrong.run for wrong in failed_runs()] == [run] * alerts
    assert processes.manage("restart_run", str(run.pk), "--wait").ends(within=60) == 0
    assert list(failed_runs()) == []


@pytest.mark.slow
def test_a_run_that_does_not_exist_is_said_so(processes: Processes) -> None:
    for command in ("stop_run", "restart_run"):
        running = processes.manage(command, "4711")
        assert running.ends(within=60) == 2, running.output
        assert "no run 4711" in one_line(running.output)


@pytest.mark.slow
def test_the_reaper_command_abandons_a_run_whose_process_was_killed(north: Region, processes: Processes) -> None:
    start_run("recover_services", region=north, parameters=MARCH, attended=True)
    running = processes.manage("abandon_stale_runs", RUN_STALE_SECONDS="0")
    assert running.ends(within=60) == 0, running.output
    assert one_line(running.output) == "1 run abandoned."
    assert Run.objects.get().status == RunStatus.ABANDONED


@pytest.mark.slow
def test_checking_alerts_is_silent(processes: Processes) -> None:
    running = processes.manage("check_alerts")
    assert running.ends(within=60) == 0, running.output
    assert running.output == ""


@pytest.mark.slow
def test_a_database_without_tables_is_one_line_that_says_what_to_do(processes: Processes, tmp_path: Path) -> None:
    running = processes.manage(
        "recover_services", "--region", "north", *RANGE, DATABASE_URL=f"sqlite:///{tmp_path}/new"
    )
    assert running.ends(within=60) == 1, running.output
    assert "manage.py migrate" in one_line(running.output)


@pytest.mark.slow
def test_a_database_that_cannot_be_reached_is_one_line_that_says_what_to_do(processes: Processes) -> None:
    away = f"postgresql://nobody@127.0.0.1:{free_port()}/none"
    running = processes.manage("recover_services", "--region", "north", *RANGE, DATABASE_URL=away)
    assert running.ends(within=60) == 1, running.output
    assert "DATABASE_URL" in one_line(running.output)


@pytest.mark.slow
def test_a_database_of_bytes_is_refused_before_a_table_is_made_in_it(processes: Processes) -> None:
    """PostgreSQL's initdb makes such ones where the machine has no locale; back-ups of them would fail."""
    if database_url().startswith("sqlite"):
        return
    name = f"bytes_{secrets.token_hex(4)}"
    with psycopg.connect(database_url(), autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'")
        try:
            url = urlsplit(database_url())._replace(path=f"/{name}").geturl()
            migrating = processes.manage("migrate", "--no-input", DATABASE_URL=url)
            assert migrating.ends(within=60) == 1, migrating.output
            assert f"The database {name} is encoded in SQL_ASCII, not in UTF8." in migrating.output
            assert "ENCODING 'UTF8', and set DATABASE_URL" in migrating.output
            with psycopg.connect(url) as inside:
                tables = inside.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
            assert tables == (0,)
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")
