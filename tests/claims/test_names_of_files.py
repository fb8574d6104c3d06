"""Files of a folder are known by their names: one that nobody would read is refused, and none need be UTF-8."""

import os
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from claims.models import StagedBatch, StagedLine
from claims.pipeline.load import FolderRefused, load
from regions.models import Region
from tests.claims.folders import line, new_region, small_world, terms, write_folder

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def region() -> Region:
    return new_region()


@pytest.mark.parametrize("name", ["Fee_Schedule.csv", "fees.csv", "fee_schedule.CSV"])
@pytest.mark.parametrize("alone", [True, False])
def test_a_csv_file_that_nobody_would_read_is_refused_with_the_names_that_are(
    tmp_path: Path, region: Region, name: str, alone: bool
) -> None:
    """Else the old fees would stay in force, and nobody would be told."""
    tables = {"fee_schedule": small_world()["fee_schedule"]}
    folder = write_folder(tmp_path, tables if alone else {**tables, "claim_lines": [line()]})
    (folder / "fee_schedule.csv").rename(folder / name)
    with pytest.raises(FolderRefused) as refused:
        load(folder, region)
    (problem,) = str(refused.value).splitlines()
    assert problem.startswith(f"{name}: is none of the files that are read: claim_lines.csv, providers.csv, ")
    assert not StagedBatch.objects.exists()


def test_hidden_files_folders_and_what_is_no_csv_are_left_alone(tmp_path: Path, region: Region) -> None:
    folder = write_folder(tmp_path, {"claim_lines": [line()]})
    for name in ("._plans.csv", "README.md", "summary.json"):
        (folder / name).write_text("x")
    (folder / "expected.csv").mkdir()
    assert load(folder, region).rows == {}
    assert StagedLine.objects.count() == 1


def test_a_file_of_lines_without_one_is_refused_where_nothing_else_comes(tmp_path: Path, region: Region) -> None:
    with pytest.raises(FolderRefused, match=r"^claim_lines\.csv: has no line$"):
        load(write_folder(tmp_path, {"claim_lines": []}), region)


def test_a_file_of_lines_without_one_is_always_said(
    tmp_path: Path, region: Region, capsys: pytest.CaptureFixture[str]
) -> None:
    """Cron mails it: somebody expected lines."""
    write_folder(tmp_path, {"contract_terms": [terms()], "claim_lines": []})
    call_command("load_claims", tmp_path, region=region.name)
    assert capsys.readouterr().out == "claim_lines.csv has no line: nothing more waits for the next night.\n"
    (tmp_path / "claim_lines.csv").unlink()
    call_command("load_claims", tmp_path, region=region.name)
    assert capsys.readouterr().out == ""


def test_a_folder_whose_name_is_no_utf8_is_loaded_and_a_region_of_such_a_name_is_unknown(
    tmp_path: Path, region: Region
) -> None:
    folder = write_folder(tmp_path / os.fsdecode(b"m\xfcller"), {"claim_lines": [line()]})
    call_command("load_claims", folder, region=region.name)
    assert StagedBatch.objects.get().source.endswith("/m\N{REPLACEMENT CHARACTER}ller")
    (folder / "claim_lines.csv").rename(folder / os.fsdecode(b"f\xe9es.csv"))
    with pytest.raises(CommandError, match="\N{REPLACEMENT CHARACTER}es"):
        call_command("load_claims", folder, region=region.name)
    with pytest.raises(CommandError, match="No region is called 'n\N{REPLACEMENT CHARACTER}b'") as error:
        call_command("load_claims", folder, region=os.fsdecode(b"n\xffb"))
    assert error.value.returncode == 2
