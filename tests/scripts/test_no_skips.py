"""Where --no-skips is given, a test that did not run is a failure; without it, it is not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import ROOT

SKIPPED = "import pytest\n\ndef test_one():\n    pytest.skip('because')\n"
FAILS_AS_EXPECTED = "import pytest\n\n@pytest.mark.xfail\ndef test_one():\n    assert False\n"
PASSES = "def test_one():\n    pass\n"


def run(folder: Path, text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text(text)
    command = [sys.executable, "-m", "pytest", "-p", "tests.left_out", "-p", "no:django", "-p", "no:schemathesis"]
    return subprocess.run(
        [*command, "--rootdir", str(folder), str(folder), *arguments],
        cwd=ROOT, env={**os.environ, "PYTEST_ADDOPTS": ""}, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("text", [SKIPPED, FAILS_AS_EXPECTED])
def test_a_test_that_did_not_run_is_a_failure(tmp_path: Path, text: str) -> None:
    assert run(tmp_path, text).returncode == 0
    strict = run(tmp_path, text, "--no-skips")
    assert strict.returncode == 1
    assert "does not allow: test_it.py::test_one" in strict.stdout


def test_it_holds_for_tests_on_several_processes(tmp_path: Path) -> None:
    assert run(tmp_path, SKIPPED, "--no-skips", "-n", "1").returncode == 1
    assert run(tmp_path, PASSES, "--no-skips", "-n", "1").returncode == 0
