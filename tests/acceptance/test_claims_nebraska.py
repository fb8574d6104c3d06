"""The Nebraska claims of one night come out right to the cent, however they are cut into checkpoints and partitions."""

import filecmp
import json
from pathlib import Path
from typing import Any

import pytest

from backoffice.runs.models import Run, StepState
from claims.models import Night, StepSetting
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
        assert command.ends(within=60) == expect, command.output
        return str(command.output)

    return run


def assert_expected(manage: Any, folder: Path) -> None:
    manage("export_pipeline", *NIGHT, "--output", str(folder))
    for name in ("adjudicated.csv", "rejected.csv", "accumulators.csv"):
        assert filecmp.cmp(folder / name, FOLDER / "expected" / name, shallow=False), name


@pytest.mark.parametrize(
    ("partitions", "frequency"),
    [pytest.param(1, 2_000, marks=pytest.mark.slow), (3, 100), pytest.param(7, 17, marks=pytest.mark.slow)],
)
def test_a_night_gives_the_right_answer_for_each_line(
    manage: Any, tmp_path: Path, partitions: int, frequency: int
) -> None:
    StepSetting.objects.update(commit_frequency=frequency)
    manage("load_claims", str(FOLDER), "--region", "nebraska")
    manage("run_pipeline", *NIGHT, "--partitions", str(partitions), "--wait")
    assert_expected(manage, tmp_path / "out")
    right = json.loads((FOLDER / "expected" / "summary.json").read_text())
    report = json.loads(manage("run_pipeline", *NIGHT, "--partitions", str(partitions), "--wait", "--json"))
    assert report["read"] == right["lines"]
    assert report["failures"] == {"rejected": right["reasons"]}
    assert (tmp_path / "out" / "remittances.csv").read_text().count("\n") == right["remittances"] + 1
    assert Run.objects.count() == 1


@pytest.mark.slow
def test_a_night_that_is_undone_leaves_what_was_before_it_and_can_be_run_again(manage: Any, tmp_path: Path) -> None:
    manage("load_claims", str(FOLDER), "--region", "nebraska")
    manage("run_pipeline", *NIGHT, "--wait")
    digests = dict(StepState.objects.values_list("name", "outputs"))
    manage("undo_pipeline", *NIGHT)
    assert list((tmp_path / "home" / "nights").rglob("*.parquet")) == []
    manage("export_pipeline", *NIGHT, "--output", str(tmp_path / "none"), expect=1)
    manage("run_pipeline", *NIGHT, "--wait")
    assert dict(StepState.objects.values_list("name", "outputs")) == digests
    assert_expected(manage, tmp_path / "out")
    assert Night.objects.count() == 1
