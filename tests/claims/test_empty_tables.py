"""A reference file that has a header and no row: an export gone wrong, which would have every claim rejected."""

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from claims.models import Plan, Provider, StagedBatch
from claims.pipeline.load import FolderRefused, load
from claims.pipeline.tables import TABLES
from tests.claims.folders import line, new_region, plan, provider, small_world, staged, write_folder

pytestmark = pytest.mark.django_db(transaction=True)
SAYS = "{}: has no row and would empty the table; to keep what is loaded, leave the file out"


@pytest.mark.parametrize("name", TABLES)
def test_a_file_without_a_row_is_refused_and_its_table_stays(tmp_path: Path, name: str) -> None:
    region = staged(tmp_path / "full", small_world())
    folder = write_folder(tmp_path / "empty", {name.removesuffix(".csv"): [], "claim_lines": [line("C2")]})
    with pytest.raises(FolderRefused) as refused:
        load(folder, region)
    assert str(refused.value) == SAYS.format(name)
    assert TABLES[name].model._default_manager.filter(region=region).count() == 1
    assert StagedBatch.objects.filter(region=region).count() == 1


def test_the_command_says_so_and_that_nothing_was_loaded(tmp_path: Path) -> None:
    region = staged(tmp_path / "full", small_world())
    folder = write_folder(tmp_path / "empty", {"providers": []})
    with pytest.raises(CommandError, match=r"leave the file out\nNothing was loaded\.$") as refused:
        call_command("load_claims", folder, region=region.name)
    assert refused.value.returncode == 2


def test_a_table_that_is_empty_anyhow_may_stay_so(tmp_path: Path) -> None:
    region, other = new_region(), new_region()
    staged(tmp_path / "other", small_world(), other)
    loaded = load(write_folder(tmp_path / "empty", {"providers": [], "accumulators": []}), region)
    assert loaded.rows == {"providers.csv": 0, "accumulators.csv": 0}
    assert Provider.objects.get().region == other


def test_a_file_whose_rows_are_all_wrong_is_refused_for_these(tmp_path: Path) -> None:
    """Also when another file has no row."""
    region = staged(tmp_path / "full", small_world())
    wrong = {"providers": [provider("P", active_from="yesterday")], "plans": []}
    with pytest.raises(FolderRefused) as refused:
        load(write_folder(tmp_path / "wrong", wrong), region)
    first, second = str(refused.value).splitlines()
    assert first.startswith("providers.csv line 2: active_from")
    assert second == SAYS.format("plans.csv")
    load(write_folder(tmp_path / "right", {"plans": [plan(deductible="1.00")]}), region)
    assert Plan.objects.get(region=region).deductible == 1
