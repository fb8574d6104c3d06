"""The failure lab finds what is broken, and a part of it runs with the tests; the whole of it is a command."""

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from backoffice.lab.night import Lab

pytestmark = pytest.mark.slow
CASES = ("T03", "T05", "T08", "T11", "T11a", "images", "2423", "earlier", "deadlock", "disk", "verify")


def test_nights_that_were_broken_come_to_what_an_undisturbed_one_comes_to(tmp_path: Path) -> None:
    """S2-20, S2-22, S2-26, S2-27, S2-31, S2-32, S2-33, S2-34, S2-35, X-10"""
    report = tmp_path / "report.md"
    call_command("failure_lab", *CASES, fast=True, database=["sqlite"], output=report)
    rows = [line for line in report.read_text().splitlines() if line.endswith("| yes |")]
    assert len(rows) == len(CASES)
    assert "records, enriched has" in report.read_text()


def test_a_case_that_comes_to_something_else_is_named_and_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = Lab._attempt

    def spoilt(lab: Lab, *arguments: Any) -> dict[str, Any] | None:
        said = attempt(lab, *arguments)
        if said is not None and not arguments[-1].get("count"):
            said["snapshot"]["accumulators"] = "another"
        return said

    monkeypatch.setattr(Lab, "_attempt", spoilt)
    with pytest.raises(CommandError, match="T03 on SQLite"):
        call_command("failure_lab", "T03", fast=True, database=["sqlite"], output=tmp_path / "report.md")
