"""gspread's real client, logged in by a service account, against the sandbox's Sheets API over sockets."""

from typing import Any

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from backoffice.adapters.sheets import SheetRefused, SheetUnavailable, post_statuses
from backoffice.sandbox.sheets import Book, SheetsServer
from backoffice.telemetry.tracing import span
from tests.sheets.conftest import Open
from tests.sheets.world import HEADER, QUICK, SHEET, many, rows_of, status, table
from tests.telemetry.test_traces import spans as spans
from tests.telemetry.test_traces import trace_of


def statuses(server: SheetsServer) -> list[Any]:
    return [row[6] if len(row) > 6 else "" for row in server.book.grid(SHEET).cells[1:]]


def test_rows_are_found_by_the_names_of_their_columns_and_held_values_are_read(connect: Open) -> None:
    """S1-01, S1-12: not what a cell shows, which for a long number is 8.12346E+10."""
    first, second, third, fourth, last = rows_of(connect())
    assert (first.number, first.identifier, first.phone) == (2, "3303-01", "0812-3456-7890")
    assert (first.source, first.facility) == ("WhatsApp", "RSUD Goeteng")
    assert (second.phone, third.phone, fourth.phone) == (81234567891, 81234567892.0, "")
    assert (last.number, last.phone, last.key) == (6, "+6281234567894", ("3303-05", "+6281234567894"))


def test_without_a_title_the_first_worksheet_is_taken(connect: Open) -> None:
    assert len(rows_of(connect(worksheet=""))) == 5


def test_statuses_go_to_their_rows_in_one_call_and_nowhere_else(connect: Open, server: SheetsServer) -> None:
    """S1-21, X-02."""
    sheet = connect()
    first, second, *_, last = rows_of(sheet)
    before = [row[:6] for row in server.book.grid(SHEET).cells]
    posted = post_statuses(
        sheet, [status(first), status(last, "failed: not found [c0ffee]"), status(second, "unchanged")]
    )
    assert posted.written == {2: 2, 3: 3, 6: 6}
    assert posted.not_written == {}
    assert statuses(server) == ["success", "unchanged", "", "", "failed: not found [c0ffee]"]
    assert [row[:6] for row in server.book.grid(SHEET).cells] == before
    assert server.calls["values.batchUpdate"] == 1
    assert server.journal[-1] == {"call": "values.batchUpdate", "ranges": ["Sheet1!G2:G3", "Sheet1!G6"], "cells": 3}


def test_each_call_is_a_span_in_the_trace_of_its_run(
    connect: Open, server: SheetsServer, spans: InMemorySpanExporter
) -> None:
    """[S4-11] The host; neither the spreadsheet nor a cell."""
    with span("run"):
        rows_of(connect())
    found = spans.get_finished_spans()
    assert {one.name for one in found} == {"POST 127.0.0.1", "GET 127.0.0.1", "run"}
    assert len({trace_of(one) for one in found}) == 1
    said = "".join(one.to_json() for one in found)
    assert not any(word in said for word in (server.spreadsheet, SHEET, "3303-01", "Goeteng"))


def test_a_thousand_rows_take_22_calls(connect: Open, server: SheetsServer) -> None:
    """X-02: two calls to read, and for each hundred rows one that reads their keys again and one that writes."""
    server.book = Book({SHEET: many(1000)})
    sheet = connect()
    rows = rows_of(sheet)
    for first in range(0, 1000, 100):
        post_statuses(sheet, [status(row) for row in rows[first : first + 100]])
    assert statuses(server) == ["success"] * 1000
    assert sum(sheet.take_calls().values()) == server.traffic.requests == 22
    assert sheet.take_calls() == {}


def test_the_token_is_asked_for_once_and_renewed_when_it_is_refused(connect: Open, server: SheetsServer) -> None:
    sheet = connect()
    rows = rows_of(sheet)
    assert server.tokens.issued == 1
    server.tokens.revoke()
    assert rows_of(sheet) == rows
    assert server.tokens.issued == 2


def test_a_formula_stays_a_text(connect: Open, server: SheetsServer) -> None:
    sheet = connect()
    post_statuses(sheet, [status(rows_of(sheet)[0], "=1+1\nfailed:\t no")])
    assert statuses(server)[0] == "=1+1 failed: no"


def test_a_large_sheet_is_read_in_pages(connect: Open, server: SheetsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backoffice.adapters.sheets.google.PAGE_ROWS", 300)
    server.book = Book({SHEET: many(1000)}, rows=1001)
    rows = rows_of(connect())
    assert [row.number for row in rows] == list(range(2, 1002))
    assert len({row.identifier for row in rows}) == 1000


def test_a_page_that_is_too_long_is_read_in_smaller_ones(connect: Open, server: SheetsServer) -> None:
    wide = [[*row[:3], row[3], row[4] * 100, *row[5:]] for row in many(8000)]
    server.book = Book({SHEET: [list(HEADER), *wide[1:]]})
    rows = rows_of(connect())
    assert [row.number for row in rows] == list(range(2, 8002))
    assert server.calls["values.batchGet"] > 2


def test_reading_goes_on_below_a_row(connect: Open) -> None:
    assert [row.number for row in connect().read(after=4)] == [5, 6]


def test_a_sort_between_two_pages_is_noticed(
    connect: Open, server: SheetsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backoffice.adapters.sheets.google.PAGE_ROWS", 300)
    server.book = Book({SHEET: many(1000)})
    server.after["values.batchGet"] = {"sort": {"sheet": SHEET, "column": "C", "descending": True}}
    with pytest.raises(SheetUnavailable, match="changed"):
        rows_of(connect())


def test_statuses_that_were_written_meanwhile_are_not_taken_for_a_sort(
    connect: Open, server: SheetsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S1-21: where column G has no name yet, it is read as well, to see that it holds nobody's data."""
    monkeypatch.setattr("backoffice.adapters.sheets.google.PAGE_ROWS", 300)
    (*header, _), *rows = many(1000)
    server.book = Book({SHEET: [[*header, ""], *rows]})
    sheet = connect()
    reading = sheet.read()
    first = [next(reading) for _ in range(300)]
    post_statuses(sheet, [status(first[-1])])
    assert [row.number for row in reading] == list(range(302, 1002))


@pytest.mark.parametrize("column", [1, 2])
def test_a_blank_cell_at_the_end_of_a_page_is_not_taken_for_a_sort(
    connect: Open, server: SheetsServer, monkeypatch: pytest.MonkeyPatch, column: int
) -> None:
    """S1-21: an answer leaves out the blank cells that a column ends with, and has "" for those before others."""
    monkeypatch.setattr("backoffice.adapters.sheets.google.PAGE_ROWS", 300)
    header, *rows = many(1000)
    rows[299][column] = ""
    server.book = Book({SHEET: [header, *rows]})
    assert [row.number for row in connect().read()] == list(range(2, 1002))


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ([["identifier", "phone_number"]], "lacks the column status_update_phone_number"),
        ([["Name"]], "lacks the column identifier, phone_number, status_update_phone_number"),
        ([], "lacks the column identifier, phone_number"),
        ([[*HEADER, "Identifier"]], "more than one column identifier"),
    ],
)
def test_a_wrong_header_is_told_by_the_names_of_the_columns(
    connect: Open, server: SheetsServer, cells: list[list[str]], message: str
) -> None:
    server.book = Book({SHEET: cells}, columns=6)
    with pytest.raises(SheetRefused, match=message):
        connect().columns()


def test_case_and_blanks_of_a_header_do_not_matter(connect: Open, server: SheetsServer) -> None:
    header = [" Facility", "Phone  Number", "IDENTIFIER", "", "Source", "", "Status update phone number"]
    server.book = Book({SHEET: table(header=header)})
    assert rows_of(connect())[0].phone == "0812-3456-7890"


def test_a_status_column_without_a_name_is_g_and_gets_its_name(connect: Open, server: SheetsServer) -> None:
    """S1-21: column G, the seventh."""
    server.book = Book({SHEET: [["identifier", "phone_number"], ["A", "0812"], ["B", "0813"]]})
    sheet = connect()
    first, second = rows_of(sheet)
    post_statuses(sheet, [status(second)])
    post_statuses(sheet, [status(first, "unchanged")])
    assert [row[6] for row in server.book.grid(SHEET).cells] == ["status_update_phone_number", "unchanged", "success"]


def test_a_nameless_column_g_that_holds_data_is_not_written_over(connect: Open, server: SheetsServer) -> None:
    server.book = Book({SHEET: [["identifier", "phone_number"], ["A", "0812", "", "", "", "", "his mother's"]]})
    with pytest.raises(SheetRefused, match="Column G holds data"):
        rows_of(connect())


def test_an_identifier_that_a_spreadsheet_has_cut_is_marked(connect: Open, server: SheetsServer) -> None:
    """Sixteen digits as a number: the last one is not kept."""
    server.book = Book(
        {SHEET: table([("", "0812", 3302010101900000, "", "", "", ""), ("", "", 33020, "", "", "", "")])}
    )
    cut, short = rows_of(connect())
    assert (cut.identifier, cut.digits_lost) == ("3302010101900000", True)
    assert (short.identifier, short.digits_lost) == ("33020", False)


def test_no_statuses_are_no_call(connect: Open, server: SheetsServer) -> None:
    post_statuses(connect(), [], QUICK)
    assert server.traffic.requests == 0
