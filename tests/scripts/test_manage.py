"""manage.py before a command begins, and after its reader has gone: one line that says what to do, and no traceback."""

import os
import subprocess
import sys
from pathlib import Path
from shlex import quote

import pytest

from backoffice.runs.models import Run
from clinic.models import ServiceWrite
from manage import reason_in
from regions.models import Region
from tests.factories import RegionFactory
from tests.processes import ROOT, Processes


def test_an_address_that_names_no_database_is_said_so(tmp_path: Path) -> None:
    environment = {**os.environ, "NIGHTWARD_HOME": str(tmp_path), "DATABASE_URL": "nonsense"}
    done = subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "DATABASE_URL is no address of a database. One such: postgresql://user:password@host/name"
    ]


def test_without_the_environment_its_python_is_named(tmp_path: Path) -> None:
    bare = [sys.executable, "-S", "-I", str(ROOT / "manage.py"), "check"]
    done = subprocess.run(bare, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("Django is not installed for this Python. Run: .venv/bin/python manage.py")


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("format", ["csv", pytest.param("xlsx", marks=pytest.mark.slow)])
def test_a_reader_that_has_enough_is_no_fault(processes: Processes, format: str) -> None:
    run = written(RegionFactory.create())
    export = f"{quote(sys.executable)} manage.py export_missing_services --run {run.pk} --format {format}"
    shell = processes.start("sh", "-c", f"{export} | head -c 1 >/dev/null")
    assert shell.ends(within=30) == 0
    assert shell.output == ""


def written(region: Region) -> Run:
    """A run with more rows than a pipe holds."""
    run = Run.objects.create(job="recover_services", key=region.name, region=region, status="complete")
    ServiceWrite.objects.bulk_create(
        ServiceWrite(
            region=region, run=run, appointment_id=f"A{number}", idempotency_key=str(number), state="written",
            start="2026-03-01T00:00Z", services=[[f"B{number}", 1, "1.00"]], outcome="recovered", value=1,
        )
        for number in range(5000)
    )  # fmt: skip
    return run


@pytest.mark.parametrize(
    "below", ["LINE 1: SELECT 'Jane Roe'\n", "DETAIL:  Failing row contains (Jane Roe).", "QUERY:  Jane Roe"]
)
def test_what_a_database_quotes_below_its_words_is_not_said(below: str) -> None:
    """[S4-09] It may be a row of a patient's, or a statement with its values."""
    assert reason_in(f'column "x" does not\n  exist\n{below}') == 'column "x" does not exist'
