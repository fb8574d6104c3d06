"""The Nebraska claims of one night come out right to the cent, however they are cut into checkpoints and partitions."""

import filecmp
import json
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from backoffice.runs.models import StepPart, StepState
from claims.models import (
    Accumulator,
    AdjudicatedClaim,
    BeforeImage,
    Night,
    PricedClaim,
    Remittance,
    StepSetting,
)
from tests.factories import RegionFactory
from tests.needs import DATA
from tests.processes import Processes

pytestmark = [pytest.mark.acceptance, pytest.mark.django_db(transaction=True)]

FOLDER = DATA / "claims-nebraska"
NIGHT = ("--region", "nebraska", "--run-date", "2024-01-15")


@pytest.fixture(autouse=True)
def _region() -> None:
    RegionFactory.create(name="nebraska", time_zone="America/Chicago")


@pytest.fixture
def manage(processes: Processes, tmp_path: Path) -> Any:
    """A command in a process of its own, since whoever has computed with Polars must not fork."""

    def run(*arguments: str, expect: int = 0) -> str:
        command = processes.manage(*arguments, NIGHTWARD_HOME=str(tmp_path / "home"))
        assert command.ends(within=1_200) == expect, command.output
        return str(command.output)

    return run


def assert_expected(manage: Any, folder: Path) -> None:
    manage("export_pipeline", *NIGHT, "--output", str(folder))
    for name in ("adjudicated.csv", "rejected.csv", "accumulators.csv"):
        assert filecmp.cmp(folder / name, FOLDER / "expected" / name, shallow=False), name


@pytest.mark.slow
@pytest.mark.parametrize("frequency", [1, 7, 100, None])  # 1, a commit for each record, takes minutes
@pytest.mark.parametrize("partitions", [1, 2, 7])
def test_a_night_gives_the_right_answer_for_each_line(
    manage: Any, tmp_path: Path, partitions: int, frequency: int | None
) -> None:
    """S2-01, S2-02, S2-03, S2-04, S2-05, S2-06, S2-27: however it is cut, None being the steps' own frequencies."""
    if frequency is not None:
        StepSetting.objects.update(commit_frequency=frequency)
    manage("load_claims", str(FOLDER), "--region", "nebraska")
    manage("run_pipeline", *NIGHT, "--partitions", str(partitions), "--wait")
    assert_expected(manage, tmp_path / "out")
    checkpoints = sum(StepPart.objects.values_list("checkpoint_number", flat=True))
    assert (checkpoints > 10_000) == (frequency == 1)
    _, of_all, *of_each = (tmp_path / "out" / "remittances.csv").read_text().splitlines()
    assert len(of_each) == summary()["remittances"]
    assert of_all.startswith("ALL,")


@pytest.mark.slow
def test_a_night_that_is_complete_is_reported_once_more_and_nothing_changes(manage: Any, tmp_path: Path) -> None:
    """S2-22: not a byte of a file and not a row of any table."""
    manage("load_claims", str(FOLDER), "--region", "nebraska")
    manage("run_pipeline", *NIGHT, "--wait")
    before, right = everything(tmp_path / "home"), summary()
    report = json.loads(manage("run_pipeline", *NIGHT, "--wait", "--json"))
    assert report["read"] == right["lines"]
    assert report["failures"] == {"rejected": right["reasons"]}
    assert everything(tmp_path / "home") == before


def summary() -> dict[str, Any]:
    return dict(json.loads((FOLDER / "expected" / "summary.json").read_text()))


def everything(home: Path) -> dict[str, Any]:
    """Every row of every table, and every file of the nights."""
    found: dict[str, Any] = {str(path): path.read_bytes() for path in (home / "nights").rglob("*.parquet")}
    assert found
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {table}")
            found[table] = sorted(map(repr, cursor.fetchall()))
    assert found["claims_accumulator"]
    return found


@pytest.mark.slow
def test_a_night_that_is_undone_leaves_what_was_before_it_and_can_be_run_again(manage: Any, tmp_path: Path) -> None:
    """S2-17, S2-18, S2-19: every accumulator has its opening value again."""
    manage("load_claims", str(FOLDER), "--region", "nebraska")
    opening = accumulators()
    manage("run_pipeline", *NIGHT, "--wait")
    assert accumulators() != opening
    steps = StepState.objects.filter(job="run_pipeline")
    digests = dict(steps.values_list("name", "outputs"))
    manage("undo_pipeline", *NIGHT, "--wait")
    assert accumulators() == opening
    assert not any(model.objects.exists() for model in (PricedClaim, AdjudicatedClaim, BeforeImage, Remittance))
    assert list((tmp_path / "home" / "nights").rglob("*.parquet")) == []
    manage("export_pipeline", *NIGHT, "--output", str(tmp_path / "none"), expect=1)
    manage("run_pipeline", *NIGHT, "--wait")
    assert dict(steps.values_list("name", "outputs")) == digests
    assert_expected(manage, tmp_path / "out")
    assert Night.objects.count() == 1


def accumulators() -> dict[tuple[str, int], str]:
    rows = Accumulator.objects.values_list("member_id", "benefit_year", "fields")
    return {(member, year): fields for member, year, fields in rows}
