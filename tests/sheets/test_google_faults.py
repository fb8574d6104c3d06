"""What Google and the network do wrong: waited for where it passes, else one line that says what to do."""

import json
import logging
import traceback
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from structlog.testing import capture_logs

from backoffice.adapters.sheets import Patience, SheetRefused, SheetUnavailable, post_statuses, tell
from backoffice.adapters.sheets.google import GoogleSheet
from backoffice.adapters.sheets.google_wire import account_of
from backoffice.sandbox.sheets import SheetsServer
from tests.sheets.conftest import Open
from tests.sheets.world import QUICK, SHEET, rows_of, status

PASSING = ["http429", "http500", "http503", "drop", "html"]


@pytest.mark.parametrize("fault", PASSING)
def test_a_fault_that_passes_is_waited_for_when_reading_and_when_writing(
    connect: Open, server: SheetsServer, fault: str
) -> None:
    server.faults.retry_after = 0
    sheet = connect()
    server.faults.next(fault, 2)
    rows = rows_of(sheet)
    server.faults.next(fault, 2)
    assert post_statuses(sheet, [status(rows[0])], QUICK).written == {2: 2}
    assert server.faults.fired[fault] == 4
    assert server.book.grid(SHEET).cells[1][6] == "success"


def test_what_was_written_without_an_answer_is_written_again(connect: Open, server: SheetsServer) -> None:
    sheet = connect()
    row = rows_of(sheet)[0]
    server.faults.next("drop_after_write", 1)
    post_statuses(sheet, [status(row)], QUICK)
    assert server.calls["values.batchUpdate"] == 2
    assert server.book.grid(SHEET).cells[1][6] == "success"


def test_keys_are_read_again_before_a_write_is_repeated(connect: Open, server: SheetsServer) -> None:
    """X-09: rows can move while a retry waits."""
    sheet = connect()
    first, *_ = rows_of(sheet)
    server.faults.next("write500", 1)
    server.after["values.batchGet"] = {"sort": {"column": "C", "descending": True}}
    assert post_statuses(sheet, [status(first)], QUICK).written == {2: 6}
    assert [row[2] for row in server.book.grid(SHEET).cells if row[-1] == "success"] == ["3303-01"]


def test_retry_after_is_kept(connect: Open, server: SheetsServer) -> None:
    server.faults.retry_after = 0
    server.faults.next("http429", 7)
    slow = Patience(first=30, longest=60, seconds=100)
    assert len(rows_of(connect(patience=slow))) == 5


def test_a_fault_that_stays_ends_after_three_retries(connect: Open, server: SheetsServer) -> None:
    """S1-19."""
    server.faults.set("http503", 1.0)
    with pytest.raises(SheetUnavailable) as raised:
        rows_of(connect())
    assert (raised.value.code, server.traffic.requests) == ("http_503", 4)


def test_a_call_ends_in_time_however_slow_the_other_side_is(connect: Open, server: SheetsServer) -> None:
    server.faults.next("slow", 1)
    server.faults.slow_seconds = 20
    once = Patience(attempts=1)
    with pytest.raises(SheetUnavailable, match="unanswered"):
        rows_of(connect(timeout=1.0, patience=once))


def test_without_a_server_it_is_unavailable(connect: Open, server: SheetsServer) -> None:
    sheet = connect()
    server.stop()
    with pytest.raises(SheetUnavailable, match="connection"):
        rows_of(sheet)


def test_what_somebody_must_change_is_said_in_one_line(connect: Open, server: SheetsServer) -> None:
    with pytest.raises(SheetRefused, match="correct SPREADSHEET_ID"):
        rows_of(connect("another"))
    with pytest.raises(SheetRefused, match="correct WORKSHEET_ID"):
        rows_of(connect(worksheet="Sheet 2"))
    server.faults.next("forbidden", 1)
    with pytest.raises(SheetRefused, match=r"not enabled in the project of \S+gserviceaccount\.com"):
        rows_of(connect())
    server.shared = False
    with pytest.raises(SheetRefused, match=r"share it with this address"):
        rows_of(connect())


def test_a_key_that_is_void_is_refused(connect: Open, server: SheetsServer, tmp_path: Path) -> None:
    sheet = connect()
    server.make_key_file(tmp_path / "another.json")
    with pytest.raises(SheetRefused, match="refuses the key"):
        rows_of(sheet)


@pytest.mark.slow
def test_a_token_endpoint_that_fails_is_no_fault_of_the_key(connect: Open, server: SheetsServer) -> None:
    server.faults.set("token500", 1.0)
    with pytest.raises(SheetUnavailable, match="token"):
        rows_of(connect())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file or directory"),
        ("", "is not a service account's key file"),
        ("[]", "is not a service account's key file"),
        ('{"type": "authorized_user"}', "is not a service account's key file"),
    ],
)
def test_a_key_file_that_is_none_is_named(tmp_path: Path, content: str | None, message: str) -> None:
    path = tmp_path / "key.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(SheetRefused, match=message):
        account_of(path)


def test_a_token_is_asked_for_over_https_only(key_file: Path) -> None:
    path = key_file
    path.write_text(json.dumps({**json.loads(path.read_text()), "token_uri": "http://example.org/token"}))
    with pytest.raises(SheetRefused, match="not https"):
        account_of(path)


def test_the_api_is_asked_over_https_only(key_file: Path) -> None:
    with pytest.raises(SheetRefused, match="not an https URL"):
        GoogleSheet(account_of(key_file), "x", base_url="http://example.org")


@pytest.mark.parametrize(
    "body",
    [
        "[]",
        "{",
        '{"sheets": []}',
        '{"sheets": [{"properties": {"title": "P-007"}}]}',
        '{"error": "P-007"}',
        '{"sheets": [{"properties": {"title": "x", "gridProperties": {"rowCount": 9, "columnCount": 9}}, "data": 7}]}',
    ],
)
@pytest.mark.parametrize("status_code", [200, 400])
def test_an_answer_that_is_none_is_unreadable_or_refused_and_tells_nothing(
    key_file: Path, httpserver: HTTPServer, caplog: pytest.LogCaptureFixture, body: str, status_code: int
) -> None:
    httpserver.expect_request("/v4/spreadsheets/x").respond_with_data(body, status=status_code)
    sheet = GoogleSheet(account_of(key_file), "x", patience=QUICK, base_url=httpserver.url_for(""))
    caplog.set_level(logging.DEBUG)
    with pytest.raises((SheetUnavailable, SheetRefused)) as raised:
        sheet.columns()
    sheet.close()
    told = "".join(traceback.format_exception(raised.value))
    told += "".join(record.getMessage() for record in caplog.records if record.name != "werkzeug")
    assert "P-007" not in told
    assert "PRIVATE KEY" not in told
    assert "ya29" not in told


def test_nothing_of_a_cell_or_a_token_is_logged(
    connect: Open, server: SheetsServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    sheet = connect()
    server.faults.retry_after = 0
    rows = rows_of(sheet)
    server.faults.next("http429", 1)
    post_statuses(sheet, [status(rows[0], "failed: of P-007")], QUICK)
    told = caplog.text + repr(rows) + str(sheet.columns())
    for secret in ("3303-01", "0812", "ya29", "P-007", "PRIVATE"):
        assert secret not in told


def test_a_status_that_cannot_be_written_is_logged_and_never_raised(connect: Open, server: SheetsServer) -> None:
    """S1-22."""
    sheet = connect()
    row = rows_of(sheet)[0]
    server.faults.set("http503", 1.0)
    with capture_logs() as logged:
        assert tell(sheet, [status(row)], QUICK) is None
    assert logged[-1] == {
        "event": "statuses_not_written", "log_level": "warning", "statuses": 1, "fault": "http_503"
    }  # fmt: skip
    server.faults.clear()
    posted = tell(sheet, [status(row)], QUICK)
    assert posted is not None
    assert posted.written == {2: 2}
    server.book.grid(SHEET).delete(2, 1)
    with capture_logs() as logged:
        tell(sheet, [status(row)], QUICK)
    assert logged[-1] == {"event": "rows_not_found_again", "log_level": "warning", "gone": 1}
