"""The container image, as far as it can be looked at without building it."""

import json
import re
import shlex
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from backoffice.deploy.processes import WEB
from tests.deploy.files import DEPLOY, documents
from tests.processes import ROOT, Processes

FILE = DEPLOY / "Containerfile"


def instructions() -> list[tuple[str, str]]:
    """(word, rest) of each, lines that go on joined."""
    text = re.sub(r"\\\n\s*", "", FILE.read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]


def of(word: str) -> list[str]:
    return [rest for found, rest in instructions() if found == word]


def copied() -> list[str]:
    return [rest.split()[0] for rest in of("COPY") if not rest.startswith("--from")]


def test_what_it_copies_is_there_and_is_let_through() -> None:
    ignore = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert ignore[1] == "*"
    assert [path for path in copied() if not (ROOT / path).exists()] == []
    assert {line[1:] for line in ignore if line.startswith("!")} == set(copied())


def test_every_package_of_the_program_is_copied() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
    assert packages | {"templates", "manage.py", "requirements.txt"} <= set(copied())


def test_it_runs_as_nobody_in_particular_and_asks_whether_it_is_ready() -> None:
    """[S4-01]"""
    (user,) = of("USER")
    assert user == "10001:10001"
    (check,) = of("HEALTHCHECK")
    assert json.loads(check.partition("CMD ")[2]) == ["python", "deploy/healthy.py"]
    (command,) = of("CMD")
    assert tuple(json.loads(command)) == WEB.command
    assert of("FROM")[-1] == of("FROM")[0].removesuffix(" AS build")


def test_the_compose_file_builds_this_image_and_lets_it_write_nowhere_but_its_disks() -> None:
    (compose,) = documents(DEPLOY / "compose.yaml")
    for name, service in compose["services"].items():
        if service["image"].startswith("nightward"):
            build = service["build"]
            assert (DEPLOY / build["context"] / build["dockerfile"]).resolve() == FILE, name
            assert service["read_only"] is True
            written = {volume.split(":")[1] for volume in service["volumes"]}
            assert written <= set(json.loads(of("VOLUME")[0]))


@pytest.mark.slow
def test_its_lines_that_run_the_program_run_as_they_stand(processes: Processes, tmp_path: Path) -> None:
    """collectstatic and compileall, in a copy of what is copied."""
    for path in copied():
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-r", ROOT / path, target], check=True)
    path = f"{ROOT / '.venv/bin'}:/usr/bin:/bin"
    ours = [line for line in of("RUN") if "manage.py" in line]
    assert len(ours) == 2
    for line in (line.replace("/tmp/build", str(tmp_path / "home")) for line in ours):
        environment = {"PATH": path, "STATIC_ROOT": str(tmp_path / "static")}
        done = subprocess.run(
            ["sh", "-c", line], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "static" / "backoffice").is_dir()
    assert (tmp_path / "backoffice" / "__pycache__").is_dir()


def test_what_it_installs_is_what_the_lock_pins() -> None:
    (line,) = [line for line in of("RUN") if "pip install" in line]
    words = shlex.split(line)
    assert {"--require-hashes", "requirements.txt"} <= set(words)


@pytest.mark.parametrize(("status", "ended"), [(200, 0), (503, 1), (301, 1)])
def test_the_health_check_says_what_readyz_says(status: int, ended: int) -> None:
    seen = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append((self.path, self.headers["Host"], self.headers["X-Forwarded-Proto"]))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *said: object) -> None:
            """Silent."""

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        Thread(target=server.handle_request, daemon=True).start()
        done = healthy(server.server_port)
    assert (done.returncode, seen) == (ended, [("/readyz", "localhost", "https")])
    assert (done.stderr == "") == (ended == 0)


def test_the_health_check_where_nobody_listens_is_one_line() -> None:
    done = healthy(1)
    assert (done.returncode, done.stderr) == (1, "/readyz does not answer: ConnectionRefusedError\n")


def healthy(port: int) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, DEPLOY / "healthy.py"], env={"PORT": str(port)}, capture_output=True, text=True, check=False
    )
