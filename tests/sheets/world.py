"""A small sheet for the tests, in Google's manner and as files, and what each row is."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl

from backoffice.adapters.sheets import Patience, Row, Sheet, Status

HEADER = ("facility", "phone_number", "identifier", "name", "source", "other", "status_update_phone_number")
ROWS: list[tuple[Any, ...]] = [
    ("RSUD Goeteng", "0812-3456-7890", "3303-01", "Siti", "WhatsApp", "", ""),
    ("RSUD Goeteng", 81234567891, "3303-02", "Budi", "front desk", "", "failed: not found [0ld]"),
    ("", 81234567892.0, "3303-03", "Dewi", "survey", "", ""),
    ("RSUD Gerung", "", "3303-04", "Agus", "", "", ""),
    ("RSUD Gerung", "+6281234567894", "3303-05", "Rina", "WhatsApp", "", ""),
]
SHEET = "Sheet1"
# Shorter than Google's minute: tests wait for real.
QUICK = Patience(first=0.05, longest=0.5, attempts=4, quota_attempts=8, seconds=20)


def table(rows: Sequence[Sequence[Any]] = ROWS, header: Sequence[str] = HEADER) -> list[list[Any]]:
    return [list(header), *map(list, rows)]


def many(count: int) -> list[list[Any]]:
    """A header and `count` rows with numbers of their own."""
    return [
        list(HEADER),
        *([f"F{n % 3}", f"0812{n:08d}", f"3303{n:012d}", "", "WhatsApp", "", ""] for n in range(count)),
    ]


def write_xlsx(path: Path, rows: Sequence[Sequence[Any]], title: str = SHEET) -> Path:
    book = openpyxl.Workbook()
    book.active.title = title  # type: ignore[union-attr]
    for row in rows:
        book.active.append(list(row))  # type: ignore[union-attr]
    book.save(path)
    return path


def xlsx_statuses(path: Path, column: int = 7) -> list[Any]:
    """The status column below the header."""
    sheet = openpyxl.load_workbook(path).worksheets[0]
    return [sheet.cell(row, column).value for row in range(2, sheet.max_row + 1)]


def rows_of(sheet: Sheet) -> list[Row]:
    return list(sheet.read())


def status(row: Row, text: str = "success") -> Status:
    return Status(row.number, row.key, text)
