"""Every command line of Procfile, compose file and manifests is run as it stands: it starts, does a turn, and ends."""

import os
import signal
import socket
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction
from redis import Redis

from backoffice.runs.models import Run
from clinic.care.models import CommandState
from clinic.events import stream
from clinic.events.models import Outbox
from clinic.events.outbox import record
from regions.configuration import load
from regions.regionfile import parse
from tests.deploy.files import DEPLOY, command_lines, find
from tests.deploy.test_regions import SECRETS
from tests.factories import RegionFactory
from tests.processes import ROOT, Processes, Running, until, workers_of

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
LINES = command_lines()
# From an activated environment, in the program's folder, as in the image.
PATH = f"{ROOT / '.venv/bin'}:{os.environ['PATH']}"
ProcessKind = Callable[[Running, Redis], None]


def lines_that(begin: tuple[str, ...]) -> list[Any]:
    found = [line for line in LINES if line[: len(begin)] == begin]
    assert found, begin
    return [pytest.param(line, id=" ".join(line)[:80]) for line in found]


@pytest.fixture
def start(processes: Processes, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Running]:
    monkeypatch.chdir(ROOT)

    def begin(line: tuple[str, ...], **environment: str) -> Running:
        return processes.start(*line, PATH=PATH, **environment)

    monkeypatch.setenv("PATH", PATH)
    return begin


def ends_well(running: Running) -> None:
    running.signal(signal.SIGTERM)
    assert running.ends(within=90) == 0, running.output


def test_there_is_no_line_that_no_test_runs() -> None:
    """[S3-24]"""
    known = ("gunicorn", "work", "publish_events", "consume", "run_schedule", "migrate", "backup", "sync_phones")
    words = {line[0] if line[0] == "gunicorn" else line[2] for line in LINES}
    assert words == set(known)
    assert {line[:2] for line in LINES if line[0] != "gunicorn"} == {("python", "manage.py")}
    assert "Procfile worker" in LINES[("python", "manage.py", "work", "--workers", "10")]


@pytest.mark.parametrize("line", lines_that(("gunicorn",)))
def test_the_web_answers_what_the_probes_ask_and_ends(
    line: tuple[str, ...], start: Callable[..., Running], queue: Redis
) -> None:
    """[S4-01]"""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    web = start(line, PORT=str(port), WEB_CONCURRENCY="2", BEHIND_PROXY="1", INSECURE_HTTP="0")
    (container,) = find("Deployment", "web")["spec"]["template"]["spec"]["containers"]
    for probe_of in ("livenessProbe", "readinessProbe"):
        asked = container[probe_of]["httpGet"]
        headers = {header["name"]: header["value"] for header in asked["httpHeaders"]}
        until(lambda asked=asked, headers=headers: get(port, asked["path"], headers), within=90)  # type: ignore[misc]
        assert get(port, asked["path"], headers) == 200, web.output
    assert get(port, "/admin/login/", headers) == 200
    ends_well(web)
    assert get(port, "/admin/login/", headers) is None


def get(port: int, path: str, headers: dict[str, str]) -> int | None:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status
    except OSError:
        return None
    finally:
        connection.close()


@pytest.mark.parametrize("line", lines_that(("python", "manage.py", "work")))
def test_workers_come_to_their_queue_and_leave_it(
    line: tuple[str, ...], start: Callable[..., Running], queue: Redis, queue_server: str
) -> None:
    """[S3-01] [S3-24] [S4-15]"""
    number = int(line[line.index("--workers") + 1]) if "--workers" in line else 1
    workers = start(line)
    until(lambda: len(workers_of(queue_server)) == number, within=120)
    names = line[line.index("--queues") + 1 :] if "--queues" in line else ["processors", "low"]
    assert all(queue.scard(f"rq:workers:{name}") == number for name in names)
    ends_well(workers)
    assert workers_of(queue_server) == []


@pytest.mark.parametrize("line", lines_that(("python", "manage.py", "publish_events")))
def test_the_publisher_publishes(line: tuple[str, ...], start: Callable[..., Running], queue: Redis) -> None:
    """[S4-07]"""
    publisher = start(line)
    with transaction.atomic():
        row = record(RegionFactory.create(), "toy.done", "toy/1", {})
    until(lambda: Outbox.objects.filter(pk=row.number).exclude(published_at=None).exists(), within=60)
    ends_well(publisher)


@pytest.mark.parametrize("line", lines_that(("python", "manage.py", "consume")))
def test_a_replica_joins_its_consumer_s_group(
    line: tuple[str, ...], start: Callable[..., Running], queue: Redis
) -> None:
    """[S4-03] [S4-04] [S4-05] [S4-06]: the one that is off can be tried, too."""
    replica = start(line)
    until(lambda: queue.exists(stream.STREAM) and stream.group_standing(queue, line[3]).replicas == 1, within=60)
    ends_well(replica)
    assert stream.group_standing(queue, line[3]).replicas == 0


@pytest.mark.parametrize("line", lines_that(("python", "manage.py", "run_schedule")))
def test_the_clock_and_each_of_its_commands(line: tuple[str, ...], start: Callable[..., Running], queue: Redis) -> None:
    """[S4-08]"""
    clock = start(line)
    if len(line) > 3:
        assert clock.ends(within=90) == 0, clock.output
        assert clock.output == ""
        return
    until(lambda: CommandState.objects.filter(command="clean_up", status=0).exists(), within=90)
    ends_well(clock)


@pytest.mark.parametrize("line", lines_that(("python", "manage.py", "migrate")))
def test_migrations_are_made_twice_without_harm(line: tuple[str, ...], start: Callable[..., Running]) -> None:
    """[S4-21]"""
    ended = start(line)
    assert ended.ends(within=120) == 0, ended.output
    assert "No migrations to apply." in ended.output


@pytest.mark.parametrize("line", lines_that(("python", "manage.py", "backup")))
def test_a_back_up_is_taken(line: tuple[str, ...], start: Callable[..., Running], tmp_path: Path) -> None:
    """As it stands but for its folder, which is a disk of the container's."""
    assert line[3] == "/var/backups/nightward"
    ended = start((*line[:3], str(tmp_path / "backups"), *line[4:]))
    assert ended.ends(within=90) == 0, ended.output
    (made,) = (tmp_path / "backups").iterdir()  # no file of keys beside it
    assert (made / "manifest.json").is_file()
    assert ended.output == f"{made}\n"


@pytest.mark.parametrize("line", lines_that(("python", "manage.py", "sync_phones")))
def test_a_region_s_job_begins_a_run_of_its_region(
    line: tuple[str, ...], start: Callable[..., Running], queue: Redis, tmp_path: Any
) -> None:
    """[S1-32]: its sheet is a workbook here, and empty, so that nothing is to be done."""
    region = line[line.index("--region") + 1]
    sheet = tmp_path / "phones.csv"
    sheet.write_text("identifier,phone_number,status_update_phone_number\n")
    environ = {name: str(sheet) if name.endswith("SPREADSHEET") else value for name, value in SECRETS.items()}
    load(parse((DEPLOY / "regions" / f"{region}.json").read_text(encoding="utf-8"), environ=environ))
    ended = start(line)
    assert ended.ends(within=90) == 0, ended.output
    run = Run.objects.get()
    assert (run.job, run.status, run.attended) == ("sync_phones", "complete", True)


def test_the_check_of_the_files_is_what_who_changes_them_runs() -> None:
    call_command("render_deploy", "--check")
