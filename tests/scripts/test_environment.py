"""The scripts in bin/: they make their environment once, wherever the checkout lies."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import ROOT

INSTALLING = "Installing the packages of"


class Checkout:
    """A checkout in a folder with a space, whose locks pin nothing and whose manage.py repeats its arguments."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "a check out"
        shutil.copytree(ROOT / "bin", self.root / "bin")
        self.write("requirements.txt", "# nothing\n")
        self.write("requirements-dev.txt", "# nothing\n")
        self.write("manage.py", "import os, sys; print(sys.argv[1:], os.environ.get('INSECURE_HTTP'))\n")
        self.programs = folder / "programs"
        self.programs.mkdir()
        for name in ("sh", "dirname", "cksum", "tr", "grep", "sed", "sort", "rm"):
            (self.programs / name).symlink_to(str(shutil.which(name)))

    def write(self, name: str, text: str) -> None:
        (self.root / name).write_text(text)

    def program(self, name: str, script: str) -> None:
        path = self.programs / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def run(self, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.root / "bin" / script, *arguments],
            env={"PATH": str(self.programs), "HOME": str(self.programs)},
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """One with a Python on the path and an installer that notes what it was asked for."""
    checkout = Checkout(tmp_path)
    checkout.program("python3", f'exec "{sys.executable}" "$@"')
    checkout.program("uv", f'echo "$*" >>"{tmp_path}/asked"')
    return checkout


def asked(checkout: Checkout) -> list[str]:
    """The locks that were installed, in order."""
    return [Path(line.rsplit(" ", 1)[1]).name for line in (checkout.root.parent / "asked").read_text().splitlines()]


def test_the_first_start_installs_and_the_second_does_not(checkout: Checkout) -> None:
    first, second = checkout.run("demo", "--days", "3"), checkout.run("demo", "--days", "3")
    assert first.returncode == second.returncode == 0, first.stderr
    assert first.stdout == second.stdout == "['demo', '--days', '3'] None\n"
    assert INSTALLING in first.stderr
    assert second.stderr == ""
    assert asked(checkout) == ["requirements.txt"]


def test_the_packages_are_checked_against_their_hashes(checkout: Checkout) -> None:
    checkout.run("demo")
    assert "--require-hashes" in (checkout.root.parent / "asked").read_text()


def test_who_has_run_the_tests_needs_nothing_more_for_the_demo(checkout: Checkout) -> None:
    for script in ("demo", "test", "demo", "test", "bench"):
        checkout.run(script)
    assert asked(checkout) == ["requirements.txt", "requirements-dev.txt"]


def test_a_changed_lock_makes_the_environment_afresh(checkout: Checkout) -> None:
    checkout.run("demo")
    left_over = checkout.root / ".venv" / "left-over"
    left_over.touch()
    checkout.write("requirements.txt", "# nothing else\n")
    assert INSTALLING in checkout.run("demo").stderr
    assert not left_over.exists()


@pytest.mark.slow
def test_an_installation_that_failed_is_tried_again(checkout: Checkout) -> None:
    checkout.program("uv", "exit 1")
    checkout.write("requirements.txt", "no such line\n")
    assert checkout.run("demo").returncode != 0
    checkout.program("uv", "exit 0")
    again = checkout.run("demo")
    assert INSTALLING in again.stderr
    assert again.returncode == 0


def test_serve_speaks_plain_http_on_this_machine(checkout: Checkout) -> None:
    assert checkout.run("serve").stdout == "['serve'] 1\n"


def test_a_machine_without_python_is_told_what_to_install(checkout: Checkout) -> None:
    (checkout.programs / "python3").unlink()
    run = checkout.run("demo")
    assert run.returncode == 2
    assert "Python 3.11 or newer is needed" in run.stderr
    assert "sudo apt install python3 python3-venv" in run.stderr


def test_a_machine_without_the_venv_module_is_told_what_to_install(checkout: Checkout) -> None:
    (checkout.programs / "uv").unlink()
    checkout.program("python3", f'case $* in *ensurepip*) exit 1;; esac; exec "{sys.executable}" "$@"')
    run = checkout.run("demo")
    assert run.returncode == 2
    assert run.stderr.splitlines()[-1].endswith("sudo apt install python3-venv")
