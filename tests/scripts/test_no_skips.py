"""Where --no-skips is given, a test that did not run is a failure; without it, it is not. --what-stores is narrower."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.needs import missing_needs
from tests.processes import ROOT

SKIPPED = "import pytest\n\ndef test_one():\n    pytest.skip('because')\n"
FAILS_AS_EXPECTED = "import pytest\n\n@pytest.mark.xfail\ndef test_one():\n    assert False\n"
PASSES = "def test_one():\n    pass\n"


def run(folder: Path, text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text(text)
    command = [sys.executable, "-m", "pytest", "-p", "tests.left_out", "-p", "xdist"]
    bare = {"PYTEST_ADDOPTS": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(
        [*command, "--rootdir", str(folder), str(folder), *arguments],
        cwd=ROOT, env={**os.environ, **bare}, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("text", [SKIPPED, FAILS_AS_EXPECTED])
def test_a_test_that_did_not_run_is_a_failure(tmp_path: Path, text: str) -> None:
    assert run(tmp_path, text).returncode == 0
    strict = run(tmp_path, text, "--no-skips")
    assert strict.returncode == 1
    assert "does not allow: test_it.py::test_one" in strict.stdout


@pytest.mark.slow
def test_it_holds_for_tests_on_several_processes(tmp_path: Path) -> None:
    assert run(tmp_path, SKIPPED, "--no-skips", "-n", "1").returncode == 1
    passed = run(tmp_path, PASSES, "--no-skips", "-n", "1")
    assert passed.returncode == int(bool(missing_needs()))  # what this machine lacks is a failure as well
    assert "test_it.py" not in passed.stdout.partition("does not allow")[2]


def test_one_case_of_each_quick_test_that_stores_is_run_on_another_database(tmp_path: Path) -> None:
    text = (
        "import pytest\n\n@pytest.fixture\ndef db(): pass\n\ndef test_bare(): pass\n\n"
        "@pytest.mark.parametrize('case', range(3))\ndef test_stores(db, case): pass\n\n"
        "@pytest.mark.slow\n@pytest.mark.parametrize('case', range(2))\ndef test_slow(case): pass\n"
    )
    done = run(tmp_path, text, "--what-stores", "-v", "-W", "ignore::pytest.PytestUnknownMarkWarning")
    assert [done.stdout.count(f"{name}[") for name in ("test_stores", "test_slow")] == [1, 2]
    assert "3 passed, 3 deselected" in done.stdout
    assert "6 passed" in run(tmp_path, text, "-W", "ignore::pytest.PytestUnknownMarkWarning").stdout


def test_what_has_no_turn_in_the_time_given_is_named_and_is_no_failure(tmp_path: Path) -> None:
    text = "import time\n\ndef test_long(): time.sleep(2)\n\ndef test_late(): assert False\n"
    done = run(tmp_path, text, "--no-skips", "--within", "0.01")
    assert "1 passed, 1 skipped" in done.stdout
    assert "Had no turn within 0.01 minutes: 1\ntest_it.py::test_late" in done.stdout
    assert done.returncode == int(bool(missing_needs()))
