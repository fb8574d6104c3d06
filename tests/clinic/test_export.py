"""Exports: the rows of a run's chain as expected.csv spells them, and cells that no spreadsheet computes."""

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from openpyxl import load_workbook

from backoffice.exports import as_text, csv_lines, write_xlsx
from backoffice.runs.models import Run
from clinic.export import RUN_COLUMNS, WORKLIST_COLUMNS, worklist_rows
from clinic.models import MissingService
from tests.clinic.ward import Ward
from tests.factories import RegionFactory

pytestmark = pytest.mark.django_db(transaction=True)

EXPORT = """\
appointment_id,start,outcome,category,reasons,services,value
b,2026-03-03T08:00:00Z,failed,validation,CASE_CLOSED,,
a,2026-03-03T09:00:00Z,partially_recovered,service_block,P1:BLOCK_REJECTED,E1x1;P2x2,141.00
c,2026-03-03T09:00:00Z,recovered,,,E1x1,100.00
"""


def ward_of_three(ward: Ward) -> Ward:
    ward.visit("c", start="2026-03-03T09:00:00Z")
    ward.visit("a", {"A1": 1, "A2": 2}, start="2026-03-03T09:00:00Z")
    ward.visit("b", case_id="SHUT", start="2026-03-03T08:00:00Z")
    ward.visit("d", status="NOSHOW")
    ward.open().hospital.faults.set("block:P1", "BLOCK_REJECTED")
    return ward


def test_an_export_has_a_row_for_each_that_was_recovered_or_could_not_be_by_start_and_id(
    ward: Ward, tmp_path: Path
) -> None:
    run = ward_of_three(ward).recover()
    call_command("export_missing_services", run=run.pk, output=tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text() == EXPORT


def test_a_workbook_says_the_same_with_money_as_numbers(ward: Ward, tmp_path: Path) -> None:
    run = ward_of_three(ward).recover()
    call_command("export_missing_services", run=run.pk, format="xlsx", output=tmp_path / "out.xlsx")
    sheet = load_workbook(tmp_path / "out.xlsx").active
    assert sheet is not None
    rows = [["" if value is None else value for value in row] for row in sheet.iter_rows(values_only=True)]
    assert rows[0] == list(RUN_COLUMNS)
    assert [row[:6] for row in rows[1:]] == [row[:6] for row in list(csv.reader(io.StringIO(EXPORT)))[1:]]
    assert rows[2][6] == 141


def test_a_preview_is_exported_in_the_same_words(ward: Ward, tmp_path: Path) -> None:
    ward.visit("a", {"A2": 2})
    ward.open()
    run = ward.recover(mode="preview")
    call_command("export_missing_services", run=run.pk, output=tmp_path / "out.csv")
    assert "a,2026-03-03T08:00:00Z,recovered,,,E1x1;P2x2,141.00" in (tmp_path / "out.csv").read_text()


def test_a_run_of_another_kind_or_a_folder_that_is_not_there_is_one_line(ward: Ward, tmp_path: Path) -> None:
    ward.open()
    run = Run.objects.create(job="another", key="x")
    with pytest.raises(CommandError, match="no recovery"):
        call_command("export_missing_services", run=run.pk)
    mine = ward.recover()
    with pytest.raises(CommandError, match="Cannot write"):
        call_command("export_missing_services", run=mine.pk, output=tmp_path / "nowhere" / "out.csv")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd", "'+cmd"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("-12.50", "-12.50"),
        ("+4", "+4"),
        ("E1x1;P2x2", "E1x1;P2x2"),
        ("2026-03-03T08:00:00Z", "2026-03-03T08:00:00Z"),
        ("a-b=c", "a-b=c"),
        (Decimal("-3.10"), "-3.10"),
        ("a\x00b", "ab"),
        (None, ""),
    ],
)
def test_what_a_spreadsheet_would_compute_is_disarmed_and_ordinary_values_stay(value: object, text: str) -> None:
    assert as_text(value) == text


def test_the_worklist_is_exported_with_its_notes_disarmed() -> None:
    region = RegionFactory.create(name="north")
    run = Run.objects.create(job="recover_services", key="north", region=region)
    MissingService.objects.create(
        region=region, appointment_id="a", start=datetime(2026, 3, 3, 2, tzinfo=UTC), status="open", outcome="failed",
        at_stake=Decimal("100.00"), filing_deadline=date(2027, 3, 2), run=run, note='=HYPERLINK("http://x")',
    )  # fmt: skip
    lines = "".join(csv_lines(WORKLIST_COLUMNS, worklist_rows(MissingService.objects.all())))
    (found,) = csv.DictReader(io.StringIO(lines))
    assert (found["region"], found["date"], found["at_stake"]) == ("north", "2026-03-02", "100.00")
    assert found["note"] == '\'=HYPERLINK("http://x")'
    file = io.BytesIO()
    write_xlsx(file, WORKLIST_COLUMNS, worklist_rows(MissingService.objects.all()))
    assert load_workbook(file).active is not None
