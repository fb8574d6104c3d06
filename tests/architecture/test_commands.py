"""Each management command of ours is run by a test, and starts without what it does not use."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import load_command_class

from tests.architecture.sources import ROOT, sources

CHECKED = {"serve", "demo"}  # they show pages, and say what is wrong with the settings first


def commands() -> list[Path]:
    modules = (path for path in sources() if path.parts[-3:-1] == ("management", "commands"))
    return [path for path in modules if not path.stem.startswith("_")]


def test_each_command_is_named_in_a_test() -> None:
    tests = "\n".join(path.read_text(encoding="utf-8") for path in sources() if path.name.startswith("test_"))
    assert [path.stem for path in commands() if f'"{path.stem}"' not in tests] == []


def test_commands_are_found() -> None:
    assert ROOT / "backoffice" / "management" / "commands" / "serve.py" in commands()


@pytest.mark.parametrize("path", commands(), ids=lambda path: path.stem)
def test_only_what_shows_pages_begins_with_the_system_checks(path: Path) -> None:
    """They import each page: seconds, for a command that cron starts."""
    app = ".".join(path.relative_to(ROOT).parts[:-3])
    command = load_command_class(app, path.stem)
    assert bool(command.requires_system_checks) == (path.stem in CHECKED)


def test_no_page_is_imported_before_one_is_shown() -> None:
    code = (
        "import sys, django; django.setup();"
        "print([name for name in sys.modules if '.admin' in name and not name.startswith(('django', 'auditlog'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_the_system_checks_see_every_page() -> None:
    code = (
        "import django; django.setup(); from django.core.management import call_command; call_command('check');"
        "from django.contrib import admin; print(len(admin.site._registry))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert int(done.stdout.split()[-1]) > 30


@pytest.mark.slow
@pytest.mark.parametrize("first", ["regions.admin", "claims.admin", "billing.admin", "clinic.admin"])
def test_pages_may_be_imported_in_any_order(first: str) -> None:
    """A job that needs one of ours first does not keep the others from being found."""
    code = (
        f"import django; django.setup(); import {first}; import backoffice.urls; from django.contrib import admin;"
        "print(*{type(page).__module__ for page in admin.site._registry.values()})"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {"regions.admin.auditlog", "claims.admin.nights"} <= set(done.stdout.split())
    assert "auditlog.admin" not in done.stdout.split()
