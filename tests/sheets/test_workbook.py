"""S1-01, S1-21, S1-34: workbooks on this machine, XLSX and CSV, read and written in the same way as Google's sheets."""

import time
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from backoffice.adapters.sheets import SheetRefused, Workbook, is_workbook, post_statuses
from tests.processes import until
from tests.sheets.world import HEADER, ROWS, rows_of, status, table, write_xlsx

CSV = "\r\n".join(
    [
        ",".join(HEADER),
        'RSUD Goeteng,0812-3456-7890,3303-01,"Siti, ""Ibu""",WhatsApp,,',
        "RSUD Goeteng,81234567891,3303-02,Budi,front desk,,failed: not found [0ld]",
        '"",81234567892.0,"3303-03",Dewi,survey,"two\r\nlines",',
        "RSUD Gerung,,3303-04,Agus",
        "",
        "RSUD Gerung,+6281234567894,3303-05,Rina,WhatsApp,,",
    ]
)


@pytest.fixture(params=["xlsx", "csv"])
def workbook(request: pytest.FixtureRequest, tmp_path: Path) -> Workbook:
    """The small sheet, as a file."""
    path = tmp_path / f"phones and more.{request.param}"
    if request.param == "xlsx":
        write_xlsx(path, [*table(ROWS[:4]), [], list(ROWS[4])])
    else:
        path.write_bytes(b"\xef\xbb\xbf" + CSV.encode())
    return Workbook(path)


def test_rows_are_read_by_the_names_of_their_columns_and_blank_ones_left_out(workbook: Workbook) -> None:
    """S1-12."""
    first, second, third, fourth, last = rows_of(workbook)
    assert (first.number, first.identifier, first.phone) == (2, "3303-01", "0812-3456-7890")
    assert (first.source, first.facility) == ("WhatsApp", "RSUD Goeteng")
    assert second.phone in (81234567891, "81234567891")
    assert third.phone in (81234567892.0, "81234567892.0")
    assert (fourth.number, fourth.phone) == (5, "")
    assert (last.number, last.phone) == (7, "+6281234567894")
    assert [row.number for row in workbook.read(after=5)] == [7]


def test_statuses_are_written_and_read_back_and_nothing_else_changes(workbook: Workbook) -> None:
    before = rows_of(workbook)
    posted = post_statuses(workbook, [status(before[0]), status(before[3], "failed: <no & number>"), status(before[4])])
    assert posted.written == {2: 2, 5: 5, 7: 7}
    assert rows_of(workbook) == before
    assert told(workbook) == ["success", "failed: not found [0ld]", "", "failed: <no & number>", "", "success"]
    assert workbook.take_calls() == {"read": 3, "write": 1}


def test_a_status_without_a_named_column_goes_to_g_which_gets_its_name(tmp_path: Path) -> None:
    narrow = [["identifier", "phone_number"], ["A", "0812"], ["B", "0813"]]
    as_csv = tmp_path / "narrow.csv"
    as_csv.write_text("\n".join(map(",".join, narrow)))
    for workbook in (Workbook(write_xlsx(tmp_path / "narrow.xlsx", narrow)), Workbook(as_csv)):
        second = rows_of(workbook)[1]
        post_statuses(workbook, [status(second)])
        assert told(workbook) == ["", "success"]
        assert workbook.columns().status_named
        assert Workbook(workbook._path).columns().status == 7


def test_statuses_follow_rows_that_were_sorted_meanwhile(workbook: Workbook, tmp_path: Path) -> None:
    """X-09."""
    rows = rows_of(workbook)
    write_xlsx(tmp_path / "phones and more.xlsx", table(ROWS[::-1]))
    (tmp_path / "phones and more.csv").write_text("\n".join(",".join(map(str, row)) for row in table(ROWS[::-1])))
    assert post_statuses(workbook, [status(row) for row in rows[:3]]).written == {2: 6, 3: 5, 4: 4}
    assert told(workbook) == ["", "", "success", "success", "success"]


def test_a_csv_row_that_nothing_is_written_to_stays_byte_for_byte(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xef\xbb\xbf" + CSV.encode())
    workbook = Workbook(path)
    post_statuses(workbook, [status(rows_of(workbook)[1], "failed: a, b")])
    old, new = CSV.split("\r\n"), path.read_bytes().decode("utf-8-sig").split("\r\n")
    assert new[2] == 'RSUD Goeteng,81234567891,3303-02,Budi,front desk,,"failed: a, b"'
    assert new[:2] + new[3:] == old[:2] + old[3:]
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_a_csv_keeps_its_delimiter_and_its_line_ends(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "a.csv"
    lines = [["identifier", "phone_number", "status_update_phone_number"], ["A", "0812, 0813", ""]]
    path.write_bytes("".join(delimiter.join(line) + "\n" for line in lines).encode())
    workbook = Workbook(path)
    post_statuses(workbook, [status(rows_of(workbook)[0])])
    assert path.read_bytes().splitlines()[1] == f"A{delimiter}0812, 0813{delimiter}success".encode()
    assert b"\r" not in path.read_bytes()


def test_a_worksheet_is_chosen_by_its_title(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", [["nothing"]], title="Readme")
    book = openpyxl.load_workbook(path)
    for row in table():
        book.create_sheet("Phones & co") if "Phones & co" not in book.sheetnames else None
        book["Phones & co"].append(row)
    book.save(path)
    workbook = Workbook(path, "Phones & co")
    post_statuses(workbook, [status(rows_of(workbook)[0])])
    written = openpyxl.load_workbook(path)
    assert written["Phones & co"]["G2"].value == "success"
    assert [row[0].value for row in written["Readme"]] == ["nothing"]
    with pytest.raises(SheetRefused, match="no worksheet Sheet1: correct WORKSHEET_ID"):
        rows_of(Workbook(path, "Sheet1"))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.xlsx", b"", "not a readable XLSX workbook"),
        ("a.xlsx", b"PK\x03\x04 broken", "not a readable XLSX workbook"),
        ("a.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 protected by a password", "not a readable XLSX workbook"),
        ("a.csv", b"identifier,phone_number\n\xff\xfe,1\n", "not CSV in UTF-8"),
        ("a.csv", b"", "lacks the column identifier, phone_number"),
        ("a.csv", b"identifier;status\n", "lacks the column phone_number"),
        ("a.csv", b"identifier,phone_number,a,b,c,d,e\n", "lacks the column status_update_phone_number"),
    ],
)
def test_a_file_that_is_no_workbook_is_refused_in_one_line(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SheetRefused, match=message) as refused:
        rows_of(Workbook(tmp_path / name))
    assert "\n" not in str(refused.value)


def test_a_workbook_that_is_cut_in_the_middle_is_refused(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", table())
    whole = path.read_bytes()
    for length in range(100, len(whole), 500):
        path.write_bytes(whole[:length])
        with pytest.raises(SheetRefused):
            rows_of(Workbook(path))


def test_a_file_that_is_not_there_or_of_another_kind_is_named(tmp_path: Path) -> None:
    with pytest.raises(SheetRefused, match=r"a\.xlsx: No such file"):
        rows_of(Workbook(tmp_path / "a.xlsx"))
    with pytest.raises(SheetRefused, match="neither an XLSX nor a CSV"):
        Workbook(tmp_path / "a.ods")


def test_an_address_is_a_workbook_by_its_ending() -> None:
    assert is_workbook("/srv/phones.XLSX")
    assert is_workbook("phones.csv")
    assert not is_workbook("1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms")


def test_writes_are_due_when_they_take_a_twentieth_of_the_time(workbook: Workbook) -> None:
    assert workbook.due()
    row = rows_of(workbook)[0]
    began = time.monotonic()
    post_statuses(workbook, [status(row)])
    ended = time.monotonic()
    assert not workbook.due()
    until(workbook.due)
    assert time.monotonic() - ended < 21 * (ended - began) + 1


def told(workbook: Workbook) -> list[Any]:
    """The statuses as a reader sees them, row by row below the header."""
    with workbook._path.open("rb") as file:
        rows = [cells for _, cells in workbook._format.rows_of(file, workbook._worksheet)]
    return [(cells[6] if len(cells) > 6 else "") or "" for cells in rows[1:]]
