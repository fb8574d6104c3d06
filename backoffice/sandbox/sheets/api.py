"""The part of the Sheets API v4 that gspread's reading and writing of values uses, without its log-in and faults."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs, unquote

from backoffice.sandbox.http import Request
from backoffice.sandbox.sheets import a1
from backoffice.sandbox.sheets.a1 import Area
from backoffice.sandbox.sheets.book import Book
from backoffice.sandbox.sheets.grid import Cell, formatted_of
from backoffice.sandbox.sheets.quota import Kind

Json = dict[str, Any]
STATUSES: Final = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
ROOT: Final = "/v4/spreadsheets/"


class BadRequest(ValueError):
    """Status 400 with this message."""


class Call(NamedTuple):
    """A request that was understood: its method's name in the API, the quota that it counts for, and what it does."""

    name: str
    quota: Kind
    spreadsheet: str
    carry_out: Callable[[Book], Json]


def call_of(request: Request) -> Call | None:
    """What the request asks for, or None where there is no such path or method."""
    path, _, query = request.path.partition("?")
    if not path.startswith(ROOT):
        return None
    options = parse_qs(query, keep_blank_values=True)
    spreadsheet, _, rest = path.removeprefix(ROOT).partition("/")
    if request.method == "GET" and not rest and spreadsheet:
        return Call("spreadsheets.get", "Read", spreadsheet, lambda book: _describe(book, spreadsheet, options))
    if request.method == "GET" and rest == "values:batchGet":
        return Call("values.batchGet", "Read", spreadsheet, lambda book: _batch_get(book, spreadsheet, options))
    if request.method == "GET" and rest.startswith("values/"):
        text = unquote(rest.removeprefix("values/"))
        return Call("values.get", "Read", spreadsheet, lambda book: _value_range(book, text, options))
    if request.method == "POST" and rest == "values:batchUpdate":
        return Call("values.batchUpdate", "Write", spreadsheet, lambda book: _update(book, spreadsheet, request.body))
    return None


def problem(code: int, message: str, reason: str = "") -> Json:
    """The body of an error."""
    error: Json = {"code": code, "message": message, "status": STATUSES[code]}
    if reason:
        error["details"] = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}]
    return {"error": error}


def _describe(book: Book, spreadsheet: str, options: Mapping[str, list[str]]) -> Json:
    """Properties; and cells where the fields or includeGridData ask for them. Other fields are not left out."""
    with_cells = options.get("includeGridData") == ["true"] or "data" in options.get("fields", [""])[0]
    areas = [book.area(text) for text in options.get("ranges", [])]
    sheets = []
    for number, grid in enumerate(book.sheets.values()):
        asked = [area for one, area in areas if one is grid]
        if areas and not asked:
            continue
        size = {"rowCount": grid.rows, "columnCount": grid.columns}
        properties = {
            "sheetId": number,
            "title": grid.title,
            "index": number,
            "sheetType": "GRID",
            "gridProperties": size,
        }
        sheet: Json = {"properties": properties}
        if with_cells:
            sheet["data"] = [_row_data(grid.read(area, formatted=False)) for area in asked or [grid.clip(Area())]]
        sheets.append(sheet)
    return {"spreadsheetId": spreadsheet, "properties": {"title": "Sandbox", "locale": "in_ID"}, "sheets": sheets}


def _row_data(rows: list[list[Cell]]) -> Json:
    return {"rowData": [{"values": [{"formattedValue": formatted_of(cell)} if cell != "" else {} for cell in row]}
                        for row in rows]} if rows else {}  # fmt: skip


def _batch_get(book: Book, spreadsheet: str, options: Mapping[str, list[str]]) -> Json:
    ranges = [_value_range(book, text, options) for text in options.get("ranges", [])]
    return {"spreadsheetId": spreadsheet, "valueRanges": ranges}


def _value_range(book: Book, text: str, options: Mapping[str, list[str]]) -> Json:
    grid, area = book.area(text)
    render = options.get("valueRenderOption", ["FORMATTED_VALUE"])[0]
    dimension = options.get("majorDimension", ["ROWS"])[0]
    values = grid.read(area, formatted=render == "FORMATTED_VALUE")
    if dimension == "COLUMNS":
        values = _turned(values)
    answer: Json = {"range": a1.name(grid.title, area), "majorDimension": dimension}
    return {**answer, "values": values} if values else answer


def _turned(rows: list[list[Cell]]) -> list[list[Cell]]:
    """Columns without the blank cells at their ends."""
    columns = [[row[at] if at < len(row) else "" for row in rows] for at in range(max(map(len, rows), default=0))]
    for column in columns:
        while column and column[-1] == "":
            column.pop()
    return columns


def _update(book: Book, spreadsheet: str, body: bytes) -> Json:
    """All ranges or none."""
    try:
        order = json.loads(body)
        data, option = order["data"], order["valueInputOption"]
        updates = [(str(one["range"]), list(map(list, one["values"]))) for one in data]
    except (ValueError, KeyError, TypeError):
        raise BadRequest("'valueInputOption' is required but not specified, or the data is no list of ranges") from None
    if option not in ("RAW", "USER_ENTERED"):
        raise BadRequest(f"Invalid value at 'value_input_option': {option}")
    before = {grid.title: [list(row) for row in grid.cells] for grid in book.sheets.values()}
    responses = []
    try:
        for text, values in updates:
            area, cells = book.write(text, values, entered=option == "USER_ENTERED")
            responses.append({"spreadsheetId": spreadsheet, "updatedRange": area, "updatedRows": len(values),
                              "updatedColumns": max(map(len, values), default=0), "updatedCells": cells})  # fmt: skip
    except ValueError:
        for title, cells_before in before.items():
            book.sheets[title].cells = cells_before
        raise
    book.save()
    total = sum(int(str(one["updatedCells"])) for one in responses)
    return {"spreadsheetId": spreadsheet, "totalUpdatedCells": total, "responses": responses}
