"""The failure lab finds what is broken, and a part of it runs with the tests; the whole of it is a command."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command

from backoffice.bench.databases import Sqlite
from backoffice.bench.processes import ROOT
from backoffice.lab import report
from backoffice.lab.cases import Attempt, Case
from backoffice.lab.night import FAST, STEPS, Lab, differing, judge, laboratory, named_cases
from backoffice.lab.places import Place
from backoffice.lab.snapshot import MAY_DIFFER, columns_of
from claims.models import AccumulatorFence

CASES = ("T03", "T08", "T11", "2423", "disk", "deadlock", "table", "boundaries")
OF_STEP_5 = ("T11", "T11a", "T11b", "T11c", "T11d", "wrong order", "act", "images", "restore", "earlier")


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """On SQLite, the accumulators in another one."""
    main, other = Sqlite(tmp_path / "main"), Sqlite(tmp_path / "other", alias="accumulators")
    with laboratory(Place(main=main, other=other), FAST, 1, tmp_path, lambda line: None) as opened:
        yield opened


@pytest.mark.slow
def test_nights_that_were_broken_come_to_what_an_undisturbed_one_comes_to(tmp_path: Path) -> None:
    """S2-20, S2-22, S2-25, S2-26, S2-27, S2-28, S2-31, S2-32, S2-33"""
    stem = tmp_path / "report"
    call_command("failure_lab", *CASES, fast=True, one=True, database=["sqlite"], report=stem)
    made = report.read(stem.with_suffix(".json"))
    assert report.seal(made) == made["seal"]
    assert {case["name"] for case in made["cases"]} > set(CASES) - {"boundaries"}
    assert all(case["passed"] and case["undisturbed"] == case["after"] for case in made["cases"])
    assert all(case["evidence"] for case in made["cases"])
    assert {case["step"] for case in made["cases"] if case["group"] == "commits"} > {"extract", "adjudicate", "remit"}
    assert any(case["group"] == "undo" for case in made["cases"])
    assert "records, enriched has" in stem.with_suffix(".html").read_text()


@pytest.mark.slow
def test_accumulators_in_a_second_database_come_to_the_same_as_well(lab: Lab) -> None:
    """S2-17, S2-18, S2-21, S2-34, S2-35, X-10, X-11"""
    found = [lab.run(case) for case in lab.cases(OF_STEP_5)]
    assert [(one.case.name, one.wrong) for one in found] == [(one.case.name, "") for one in found]
    assert len(found) == len(OF_STEP_5)


@pytest.mark.slow
def test_a_member_with_47_updates_is_undone_over_its_checkpoints(lab: Lab) -> None:
    """S2-18, S2-34, S2-35: and neither the home nor the databases of this process are touched."""
    (case,) = lab.cases(("T11c",))
    found = lab.run(case)
    assert (found.wrong, found.attempts[0]["evidence"][0]["updates"]) == ("", 15)
    assert differing(found.undisturbed, found.attempts[1]["found"])


@pytest.mark.slow
def test_the_lab_touches_nothing_of_the_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trap = tmp_path / "production.sqlite3"
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{trap}")
    monkeypatch.setenv("ACCUMULATORS_DATABASE_URL", f"sqlite:///{trap}")
    monkeypatch.setenv("NIGHTWARD_HOME", str(tmp_path / "home"))
    call_command("failure_lab", "T11c", fast=True, one=True, database=["sqlite"], report=tmp_path / "report")
    assert not trap.exists()
    assert not (tmp_path / "home").exists()
    assert os.environ["DATABASE_URL"].endswith("production.sqlite3")


def test_every_table_and_column_of_claims_is_compared_or_named_as_one_that_may_differ() -> None:
    """S2-31"""
    models = [model for model in apps.get_app_config("claims").get_models() if model is not AccumulatorFence]
    assert len(models) >= 15
    for model in models:
        left = {field.name for field in model._meta.concrete_fields} - set(columns_of(model))
        keys = {field.name for field in model._meta.concrete_fields if field.is_relation or field.primary_key}
        assert left <= keys | set(MAY_DIFFER), model


CASE = Case(
    name="T", what="", attempts=(Attempt(fault={"kind": "kill"}, ends="killed"), Attempt()), proof={"images": 2}
)
GOOD: list[dict[str, Any]] = [
    {"status": "killed", "evidence": [{"images": 2}]},
    {"status": "complete", "detail": "", "evidence": []},
]


@pytest.mark.parametrize(
    ("told", "after", "says"),
    [
        (GOOD, {"a": "1"}, ""),
        (GOOD, {"a": "2"}, "not as undisturbed: a"),
        ([{**GOOD[0], "evidence": []}, GOOD[1]], {"a": "1"}, "left no evidence"),
        ([{**GOOD[0], "evidence": [{"images": 1}]}, GOOD[1]], {"a": "1"}, "no evidence says images: 2"),
        ([{**GOOD[0], "status": "complete"}, GOOD[1]], {"a": "1"}, "was to end killed and ended complete"),
    ],
)
def test_a_case_passes_only_with_evidence_and_the_same_outcome(
    told: list[dict[str, Any]], after: dict[str, str], says: str
) -> None:
    """S2-31"""
    wrong = judge(CASE, told, {"a": "1"}, after)
    assert (wrong == "") if not says else (says in wrong)


@pytest.mark.slow
def test_a_case_that_comes_to_something_else_is_named_and_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = Lab._attempts

    def spoilt(lab: Lab, case: Case) -> list[dict[str, Any]]:
        told = attempts(lab, case)
        told[-1]["snapshot"]["claims_accumulator"] = "another"
        return told

    monkeypatch.setattr(Lab, "_attempts", spoilt)
    with pytest.raises(CommandError, match="T11c on SQLite"):
        call_command("failure_lab", "T11c", fast=True, one=True, database=["sqlite"], report=tmp_path / "report")
    assert "not as undisturbed: claims_accumulator" in (tmp_path / "report.html").read_text()


def test_every_step_is_broken_in_every_database() -> None:
    """S2-32, S2-33"""

    class Kind:
        def __init__(self, name: str) -> None:
            self.name = name

    for name in ("SQLite", "PostgreSQL"):
        cases = named_cases(Place(main=Kind(name)))  # type: ignore[arg-type]
        faults = [attempt.fault for case in cases for attempt in case.attempts if attempt.fault]
        assert {fault["step"] for fault in faults if "step" in fault} == set(STEPS)
        assert {f"T{n:02}" for n in range(1, 13)} <= {case.name for case in cases}


def test_the_report_reads_as_json_and_stands_alone() -> None:
    made = report.made(taken="today", commit="abc", seed=1, size=FAST, command="manage.py", nights=[], cases=[])
    assert json.loads(report.as_json(made)) == made
    html = report.as_html(made)
    assert "http" not in html
    assert "prefers-color-scheme:dark" in html


@pytest.mark.slow
def test_an_unfinished_report_is_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hours are not begun again: what passed stays, with its figures, and the rest is worked."""
    monkeypatch.setattr("backoffice.lab.whole.commit_of", lambda *paths: "commit 1")
    arguments: dict[str, Any] = {"fast": True, "one": True, "database": ["sqlite"], "report": tmp_path / "report"}
    call_command("failure_lab", "T11c", "T11d", **arguments)
    path = tmp_path / "report.json"
    first = report.read(path)
    kept = {**first["cases"][0], "restart_seconds": 4711}
    unfinished = {**first, "cases": [kept], "unfinished": ["SQLite"]}
    path.write_text(report.as_json({**unfinished, "seal": report.seal(unfinished)}))
    call_command("failure_lab", "T11c", "T11d", **arguments)
    again = report.read(path)
    assert again["unfinished"] == []
    assert again["cases"][0] == kept
    assert [case["name"] for case in again["cases"]] == ["T11c", "T11d"]


def test_the_report_that_is_shipped_was_written_by_the_command_and_tries_everything() -> None:
    """S2-31, S2-32, S2-33, S2-34: on both databases, every commit, nothing edited by hand."""
    path = ROOT / "docs" / "failure-lab.json"
    made = report.read(path)
    assert made["seal"] == report.seal(made)
    assert made["seal"] in path.with_suffix(".html").read_text()
    assert made["unfinished"] == []
    assert all(case["passed"] for case in made["cases"])
    assert (made["sizes"]["lines"], made["sizes"]["boundary_every"]) == (280_000, 1)
    for place in ("SQLite", "PostgreSQL"):
        mine = [case for case in made["cases"] if case["place"] == place]
        harness = {case["name"] for case in mine if case["lines"] == 280_000}
        assert harness >= {f"T{n:02}" for n in range(1, 13)} | {"T11a", "T11b"}
        assert {case["step"] for case in mine if case["group"] == "commits"} >= set(STEPS)
