"""`serve`: one command that starts the web server and the workers, and ends them."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest
from pytest_django import Settings

from backoffice.embedded import queue_url
from backoffice.serving import sign_in_line
from tests.processes import ROOT, Processes, Running, alive, descendants_of, until, workers_of

ADDRESS = re.compile(r"Nightward is at http://127\.0\.0\.1:(\d+)/admin/")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A fresh home, with nothing in it: no database, no queue."""
    return tmp_path / "home"


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with every migration, to be copied: making one takes four seconds."""
    home = tmp_path_factory.mktemp("migrated")
    environment = {**os.environ, **fresh(home)}
    subprocess.run([sys.executable, ROOT / "manage.py", "migrate", "--verbosity=0"], env=environment, check=True)
    return home / "nightward.sqlite3"


@pytest.fixture
def serve(processes: Processes, home: Path, migrated: Path) -> Iterator[Running]:
    """`serve` on a free port with everything of its own, answering."""
    home.mkdir()
    shutil.copy(migrated, home)
    serve = processes.manage("serve", "--port", "0", **fresh(home))
    serve.says("Ctrl-C stops it.", within=60)
    yield serve
    serve.stop()


def fresh(home: Path) -> dict[str, str]:
    return {"NIGHTWARD_HOME": str(home), "REDIS_URL": "", "DATABASE_URL": ""}


def port_of(serve: Running) -> int:
    found = ADDRESS.search(serve.output)
    assert found, serve.output
    return int(found[1])


def get(port: int, path: str) -> tuple[int, str]:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def children_of(pid: int) -> dict[str, int]:
    """The child processes by what they are."""
    found: dict[str, int] = {}
    for child in descendants_of(pid):
        arguments = Path(f"/proc/{child}/cmdline").read_text().replace("\0", " ")
        for word in ("gunicorn", "manage.py work"):
            if word in arguments:
                found.setdefault(word, child)
    return found


def refused(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.slow
def test_from_nothing_it_serves_the_admin_with_its_style_and_works_the_queue(processes: Processes, home: Path) -> None:
    serve = processes.manage("serve", "--port", "0", **fresh(home))
    serve.says("Ctrl-C stops it.", within=60)
    status, page = get(port_of(serve), "/admin/login/")
    assert status == 200
    style = re.search(r'href="(/static/[^"]+\.css)"', page)
    assert style
    assert get(port_of(serve), style[1])[0] == 200
    until(lambda: len(workers_of(queue_url(home))) == 2)
    assert "No sign-in was made yet" in serve.output


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_a_signal_ends_all_of_it(serve: Running, home: Path, number: signal.Signals) -> None:
    port = port_of(serve)
    until(lambda: len(workers_of(queue_url(home))) == 2)
    children = children_of(serve.pid)
    assert len(children) == 2
    serve.signal(number)
    assert serve.ends() == 0, serve.output
    assert refused(port)
    assert workers_of(queue_url(home)) == []
    assert not any(alive(pid) for pid in children.values())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("program", "title"),
    [pytest.param("gunicorn", "web server", marks=pytest.mark.slow), ("manage.py work", "worker")],
)
def test_it_ends_and_says_so_when_a_part_of_it_dies(serve: Running, home: Path, program: str, title: str) -> None:
    port = port_of(serve)
    until(lambda: len(workers_of(queue_url(home))) == 2)
    workers = workers_of(queue_url(home))
    os.kill(children_of(serve.pid)[program], signal.SIGKILL)
    assert serve.ends() == 1
    assert f"The {title} ended by itself (status -9)" in serve.output
    assert "Traceback" not in serve.output
    until(lambda: refused(port))
    assert not any(alive(pid) for pid in workers)


@pytest.mark.slow
@pytest.mark.slow
def test_killed_it_leaves_nothing_behind(serve: Running, home: Path) -> None:
    """The web server and the workers ran on, and the port was taken until somebody ended them by hand."""
    port = port_of(serve)
    until(lambda: len(workers_of(queue_url(home))) == 2)
    workers = [*workers_of(queue_url(home)), *children_of(serve.pid).values()]
    serve.signal(signal.SIGKILL)
    until(lambda: refused(port) and not any(alive(pid) for pid in workers))


def test_a_taken_port_is_one_line_and_nothing_is_started(processes: Processes, home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        serve = processes.manage("serve", "--port", str(port), **fresh(home))
        assert serve.ends() == 2
    said = f"Cannot listen on 127.0.0.1 port {port}: Address already in use. Stop what uses it, or choose another"
    assert said in serve.output
    assert len(serve.output.splitlines()) == 1
    assert not (home / "queue").exists()
    assert not (home / "nightward.sqlite3").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--host", "192.0.2.1"), "Cannot listen on 192.0.2.1 port 8000: Cannot assign requested address."),
        pytest.param(("--port", "70000"), "70000 is not a port (0 to 65535).", marks=pytest.mark.slow),
        pytest.param(
            ("--host", "nowhere.invalid"), "Cannot listen on nowhere.invalid port 8000: ", marks=pytest.mark.slow
        ),
    ],
)
def test_an_address_that_cannot_be_had_is_one_line(
    processes: Processes, home: Path, arguments: tuple[str, ...], said: str
) -> None:
    serve = processes.manage("serve", *arguments, **fresh(home))
    assert serve.ends() == 2
    assert len(serve.output.splitlines()) == 1
    assert said in serve.output


@pytest.mark.slow
def test_a_database_that_is_not_there_is_one_line(processes: Processes, home: Path) -> None:
    nowhere = {"DATABASE_URL": "postgresql://nobody:secret@127.0.0.1:1/none"}
    serve = processes.manage("serve", "--port", "0", **{**fresh(home), **nowhere})
    assert serve.ends() == 1
    assert len(serve.output.splitlines()) == 1
    assert "The database cannot be used" in serve.output
    assert "Traceback" not in serve.output
    assert "secret" not in serve.output


def test_the_sign_in_is_shown_on_a_terminal(settings: Settings, tmp_path: Path) -> None:
    settings.NIGHTWARD_HOME = tmp_path
    (tmp_path / "sign-in").write_text("demo\nopen-sesame\n")
    assert sign_in_line(terminal=True) == "Sign in as demo with the password open-sesame"


@pytest.mark.slow
def test_the_sign_in_is_not_written_elsewhere(processes: Processes, home: Path, migrated: Path) -> None:
    home.mkdir()
    shutil.copy(migrated, home)
    (home / "sign-in").write_text("demo\nopen-sesame\n")
    serve = processes.manage("serve", "--port", "0", **fresh(home))
    serve.says("Ctrl-C stops it.", within=60)
    assert f"The sign-in is in {home}/sign-in" in serve.output
    assert "open-sesame" not in serve.output
