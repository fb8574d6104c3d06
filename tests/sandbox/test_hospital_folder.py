"""A CSV folder: the Nebraska data load, and a bad row is named by file and line."""

import csv
import json
from decimal import Decimal
from pathlib import Path

import pytest

from backoffice.sandbox.hospital import FolderError, Hospital, write_folder
from backoffice.sandbox.hospital.tables import Tables
from tests.needs import DATA
from tests.sandbox.oracle import billed_blocks, verdict
from tests.sandbox.world import TABLES, TOKEN

NEBRASKA = DATA / "hospital-nebraska"


@pytest.mark.acceptance
def test_the_nebraska_folder_loads_and_the_listing_has_every_appointment_in_its_order() -> None:
    expected = list(csv.DictReader((NEBRASKA / "expected.csv").read_text().splitlines()))
    store = Hospital(NEBRASKA, token=TOKEN).store
    found: list[tuple[str, str]] = []
    after = None
    while True:
        page = store.page("2005-01-01T06:00:00Z", "2024-01-01T06:00:00Z", 200, after)
        found += [(visit.id, visit.start) for visit in page.nodes]
        after = page.end_cursor
        if not page.has_next_page:
            break
    assert found == [(row["appointment_id"], row["start"]) for row in expected]


@pytest.mark.slow
@pytest.mark.acceptance
def test_the_tables_as_loaded_call_for_the_expected_answer_of_every_appointment() -> None:
    tables = Tables(NEBRASKA)
    billed = billed_blocks(tables)
    rows = list(csv.DictReader((NEBRASKA / "expected.csv").read_text().splitlines()))
    for row in rows:
        assert verdict(tables, billed, tables.appointments[row["appointment_id"]]) == tuple(row.values())[2:]
    total = sum((Decimal(row["value"] or 0) for row in rows), Decimal(0))
    assert str(total) == json.loads((NEBRASKA / "expected.json").read_text())["value"]


@pytest.mark.parametrize(
    ("table", "row", "reason"),
    [
        ("appointments", "A-1,2026-03-01T09:00:00Z,,FINISHED,,,,,", "id A-1 is there twice"),
        ("appointments", ",2026-03-01T09:00:00Z,,FINISHED,,,,,", "id is empty"),
        ("appointments", "A-9,2026-03-01 09:00,,FINISHED,,,,,", "start is not a time such as 2026-11-22T08:00:00Z"),
        ("appointments", "A-9,2026-02-30T09:00:00Z,,FINISHED,,,,,", "start is not a time such as 2026-11-22T08:00:00Z"),
        ("appointments", "A-9,2026-W10-1T09:00:00Z,,FINISHED,,,,,", "start is not a time such as 2026-11-22T08:00:00Z"),
        ("appointments", "A-9,2026-03-01T09:00:00Z,9,FINISHED,,,,,", "end is not a time such as 2026-11-22T08:00:00Z"),
        ("appointments", "A-9,2026-03-01T09:00:00Z,,DONE,,,,,", "status must be one of BOOKED, FINISHED, CANCELLED"),
        ("appointments", "A-9,2026-03-01T09:00:00Z", "9 cells expected, 2 found"),
        ("activities", "A-9,ECG,1", "appointment A-9 is not in appointments.csv"),
        ("activities", "A-1,ECG,one", "quantity is not a whole number"),
        ("service_sessions", "S-1,A-2,B-VISIT,1,BILLED", "session S-1 belongs to two appointments"),
        ("service_sessions", "S-2,A-2,B-VISIT,1,PAID", "status must be one of BILLED, CANCELLED"),
        ("service_configurations", "NEW,B-ECG,PERFORMED,", "activity_code belongs to PERFORMED, and only there"),
        ("service_configurations", "NEW,B-ECG,NEVER,", "trigger must be one of ALWAYS, PERFORMED"),
        ("service_blocks", "B-9,Nine,ACTIVE,20200101,,1.00,", "valid_from is not a date such as 2026-11-22"),
        ("service_blocks", "B-9,Nine,ACTIVE,2020-01-01,,free,", "price is not an amount such as 83.87"),
        ("service_blocks", "B-9,Nine,ACTIVE,2020-01-01,,-1,", "price is not an amount such as 83.87"),
        ("service_blocks", "B-9,Nine,ACTIVE,2020-01-01,,1,DAY", "allowed_case_types must be one of OUTPATIENT"),
        ("cost_centers", "CC-9,D-1,true", "department_id D-1 is there twice"),
        ("cost_centers", "CC-9,D-9,yes", "active must be one of true, false"),
        ("responsible_physicians", "D-9,", "physician_id is empty"),
        ("cases", "C-9,P-9,OUTPATIENT,LOST", "status must be one of OPEN, CLOSED"),
        ("cases", 'C-9,"P-9"x,OUTPATIENT,OPEN', "',' expected after '\"'"),
    ],
)
def test_a_bad_row_is_named_by_file_and_line(folder: Path, table: str, row: str, reason: str) -> None:
    file = folder / f"{table}.csv"
    file.write_text(file.read_text() + row + "\n")
    line = len(TABLES[table]) + 2
    with pytest.raises(FolderError) as caught:
        Tables(folder)
    assert str(caught.value).startswith(f"{file}:{line}: {reason}")


def test_a_missing_file_a_wrong_header_and_other_bytes_are_named(folder: Path) -> None:
    cases = folder / "cases.csv"
    for content, message in (
        (b"id,patient,type,status\n", f"{cases}:1: the header must be id,patient_id,type,status"),
        (b"", f"{cases}:1: the header must be id,patient_id,type,status"),
        (b"id,patient_id,type,status\n\xff", f"{cases}: is not UTF-8"),
    ):
        cases.write_bytes(content)
        with pytest.raises(FolderError) as caught:
            Tables(folder)
        assert str(caught.value) == message
    cases.unlink()
    with pytest.raises(FolderError) as caught:
        Tables(folder)
    assert str(caught.value) == f"{cases}: No such file or directory"


def test_a_table_that_is_not_given_has_no_row(tmp_path: Path) -> None:
    write_folder(tmp_path / "empty", {})
    tables = Tables(tmp_path / "empty")
    assert not tables.appointments
    assert not tables.sessions
