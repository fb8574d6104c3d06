"""The rehearsal of an upgrade, with two checkouts of the same code: the mechanism is what is proven."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from backoffice.bench.checkout import check_out, interpreter_of, revision_named
from backoffice.bench.processes import ROOT, BenchFailed
from backoffice.bench.rehearsal import Rehearsal, rehearse
from tests.processes import Processes

pytestmark = pytest.mark.skipif(not (ROOT / ".git").exists(), reason="a checkout without its history")
STEPS = 16


@pytest.mark.slow
def test_an_upgrade_to_the_same_code_and_back_is_rehearsed_step_by_step(processes: Processes) -> None:
    """Back-up and upgrade: migrations in two phases, old and new code side by side, a roll-back."""
    rehearsal = processes.manage("rehearse", "HEAD")
    assert rehearsal.ends(within=1500) == 0, rehearsal.output
    lines = rehearsal.output.splitlines()
    assert re.fullmatch(r"From [0-9a-f]{12} to this checkout, on (PostgreSQL|SQLite)\.", lines[0])
    assert [bool(re.match(r"ok +\d+\.\d s  ", line)) for line in lines[1:]] == [True] * STEPS


def test_an_unknown_revision_is_one_line() -> None:
    with pytest.raises(CommandError, match=r"There is no revision v0\.0-none: name a tag or a commit") as refused:
        call_command("rehearse", "v0.0-none")
    assert refused.value.returncode == 2


def test_a_revision_is_checked_out_with_an_interpreter_that_has_its_packages(tmp_path: Path) -> None:
    commit = revision_named("HEAD")
    assert re.fullmatch("[0-9a-f]{40}", commit)
    check_out(commit, tmp_path / "old")
    assert (tmp_path / "old" / "manage.py").is_file()
    assert not (tmp_path / "old.tar").exists()
    assert Path(interpreter_of(tmp_path / "old")).exists()


class Breaks(Rehearsal):
    """Its second step fails."""

    def steps(self) -> list[tuple[str, Callable[[], object]]]:
        return [("first", self.well), ("second", self.badly), ("third", self.well)]

    def well(self) -> None:
        """Nothing is wrong."""

    def badly(self) -> None:
        raise BenchFailed("The old code answered 500 (book)")


def test_the_first_step_that_fails_is_the_last_and_says_why(tmp_path: Path) -> None:
    done = list(rehearse(Breaks(tmp_path, "", "0" * 40)))
    assert [(each.title, each.fault) for each in done] == [
        ("first", ""),
        ("second", "The old code answered 500 (book)"),
    ]
