"""A small workbook that unpacks to a huge one is refused, and costs neither the memory nor the time of that one."""

from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from backoffice.adapters.sheets import SheetRefused, Workbook, xlsx
from tests.sheets.world import rows_of, table, write_xlsx

SHEET = "xl/worksheets/sheet1.xml"


def rewritten(path: Path, part: str, old: bytes, new: bytes) -> Path:
    """The workbook with `old` in a part replaced once."""
    with ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    assert old in parts[part]
    parts[part] = parts[part].replace(old, new, 1)
    with ZipFile(path, "w", ZIP_DEFLATED) as book:
        for name, content in parts.items():
            book.writestr(name, content)
    return path


@pytest.mark.parametrize(
    ("part", "limit"), [(SHEET, "MOST_OF_A_SHEET"), ("xl/styles.xml", "MOST_BESIDE_IT")], ids=["rows", "beside them"]
)
def test_a_part_that_unpacks_to_too_much_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str, limit: str
) -> None:
    """S1-05: a worker has 256 MiB."""
    monkeypatch.setattr(xlsx, limit, 1024 * 1024)
    closing = b"</sheetData>" if part == SHEET else b"</styleSheet>"
    path = rewritten(write_xlsx(tmp_path / "a.xlsx", table()), part, closing, b" " * 2_000_000 + closing)
    assert path.stat().st_size < 50_000
    workbook = Workbook(path)
    with pytest.raises(SheetRefused, match=f"more than 1 MiB in {part}"):
        rows_of(workbook)


def test_statuses_are_not_written_to_one_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", table())
    workbook = Workbook(path)
    list(workbook.read_keys())
    monkeypatch.setattr(xlsx, "MOST_OF_A_SHEET", 10)
    with pytest.raises(SheetRefused, match="copy the rows"):
        workbook.write_statuses([(2, "success")])


def test_a_row_that_no_sheet_can_have_is_refused_and_not_counted_up_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xlsx, "LAST_ROW", 10_000)  # a million takes some seconds
    path = rewritten(write_xlsx(tmp_path / "a.xlsx", table()), SHEET, b'<row r="3"', b'<row r="999999999999"')
    with pytest.raises(SheetRefused, match="not a readable XLSX"):
        rows_of(Workbook(path))
