"""A worksheet in Google Sheets, read and written by gspread's client (contract S1-01, S1-21, S1-34, X-02)."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import zip_longest
from typing import Any, Final

from google.oauth2.service_account import Credentials
from gspread.http_client import HTTPClient
from gspread.utils import absolute_range_name

from backoffice.adapters.pace import Pace
from backoffice.adapters.sheets.faults import SheetRefused, SheetUnavailable
from backoffice.adapters.sheets.google_wire import GOOGLE, Wire
from backoffice.adapters.sheets.patience import PATIENCE, Patience
from backoffice.adapters.sheets.rows import STATUS, Cell, Columns, Key, Row, find_columns, letters_of, row_of, text_of

PAGE_ROWS: Final = 10_000
KEY: Final = 2  # identifier and phone, which Columns.read() has first
FIELDS: Final = "sheets(properties(title,gridProperties(rowCount,columnCount)),data(rowData(values(formattedValue))))"


class Quota:
    """Google's quota of one account: `per_minute` reads and as many writes, over all who use the account.

    Reads and writes are counted apart, as Google does. A call waits for its turn; see Pace.
    """

    def __init__(self, connection_url: str, account: str, per_minute: float | None = 60) -> None:
        per_second = per_minute / 60 if per_minute else None
        self.reads = Pace(connection_url, f"pace:sheets:{account}:read", per_second)
        self.writes = Pace(connection_url, f"pace:sheets:{account}:write", per_second)

    def close(self) -> None:
        self.reads.close()
        self.writes.close()


class GoogleSheet:
    """One worksheet by its title, or the first one; see Sheet for what is promised.

    A call ends within `timeout` seconds. Reading waits out quotas and faults that pass as `patience` says; what
    post_statuses sends is repeated by post_statuses alone. Values are taken as they are held, not as they are shown:
    81234567890, where the cell shows 8.12E+10.
    """

    def __init__(
        self,
        account: Credentials,
        spreadsheet: str,
        worksheet: str = "",
        *,
        timeout: float = 30.0,
        quota: Quota | None = None,
        patience: Patience = PATIENCE,
        base_url: str = GOOGLE,
    ) -> None:
        self._wire = Wire(account, timeout=timeout, base_url=base_url)
        self._spreadsheet, self._worksheet = spreadsheet, worksheet
        self._quota, self._patience = quota, patience
        self._calls: Counter[str] = Counter()
        self._columns: Columns | None = None
        self._rows = 0
        self._page_rows = PAGE_ROWS

    def columns(self) -> Columns:
        if self._columns is None:
            self._columns = self._patience.run(self._describe)
        return self._columns

    def read(self, after: int = 1) -> Iterator[Row]:
        """Raises SheetUnavailable "changed" where rows were moved between two pages, so that rows might be left out."""
        columns = self.columns()
        wanted, row, last = columns.read(), after + 1, None
        while row <= self._rows:
            # The last row of the page before is read again: where it is another, somebody has sorted the sheet. Its
            # status counts for nothing, which may have been written meanwhile.
            first = row - 1 if last is not None else row
            cells = self._patience.run(partial(self._page, wanted, first))
            if last is not None and _key(cells.pop(0)) != _key(last):
                raise SheetUnavailable("changed", "while it was read")
            for number, one in enumerate(cells, start=row):
                if found := row_of(number, columns, dict(zip(wanted, one, strict=True))):
                    yield found
            row += len(cells)
            last = cells[-1] if cells else last

    def read_keys(self, first: int = 2, last: int | None = None) -> Iterator[tuple[int, Key]]:
        columns = self.columns()
        if self._quota is not None:
            self._quota.writes.wait()  # the write's turn: between reading and writing nothing is to be waited for
        last = self._rows if last is None else min(last, self._rows)
        while first <= last:
            rows = min(self._page_rows, last - first + 1)
            for number, (identifier, phone) in enumerate(
                self._values((columns.identifier, columns.phone), first, rows), start=first
            ):
                if any(key := (text_of(identifier), text_of(phone))):
                    yield number, key
            first += rows

    def write_statuses(self, statuses: Sequence[tuple[int, str]]) -> None:
        columns = self.columns()
        cells = [] if columns.status_named else [(1, STATUS)]
        cells += statuses
        data = [
            {"range": self._rows_of(columns.status, first, len(texts)), "values": [[text] for text in texts]}
            for first, texts in _runs(cells)
        ]
        body = {"valueInputOption": "RAW", "data": data}
        self._calls["write"] += 1
        answer = self._wire.ask(lambda client: client.values_batch_update(self._spreadsheet, body))
        if answer.get("totalUpdatedCells") != len(cells):
            raise SheetUnavailable("unreadable_answer", "write", passing=True)
        self._columns = replace(columns, status_named=True)

    def due(self) -> bool:
        """Whether the quota has a turn now: a call costs the same whatever it writes, so that more can go with it."""
        return self._quota is None or (self._quota.writes.is_free() and self._quota.reads.is_free())

    def take_calls(self) -> Counter[str]:
        taken, self._calls = self._calls, Counter()
        return taken

    def close(self) -> None:
        self._wire.close()

    def _describe(self) -> Columns:
        """Row 1, the size and the title of the worksheet, in one call."""
        row_1 = absolute_range_name(self._worksheet, "1:1") if self._worksheet else "1:1"
        wanted: Any = {"ranges": row_1, "fields": FIELDS}
        answer = self._read(lambda client: client.spreadsheets_get(self._spreadsheet, wanted))
        try:
            sheet = answer["sheets"][0]
            size = sheet["properties"]["gridProperties"]
            self._rows, width = int(size["rowCount"]), int(size["columnCount"])
            self._worksheet = str(sheet["properties"]["title"])
            row: Any = next(iter(sheet["data"][0].get("rowData", ())), {})  # no row where the first one is blank
            header = [cell.get("formattedValue") for cell in row.get("values", ())]
        except (LookupError, TypeError, ValueError, AttributeError):
            raise SheetUnavailable("unreadable_answer", "header", passing=True) from None
        return find_columns(header, width)

    def _page(self, columns: tuple[int, ...], first: int) -> list[tuple[Cell, ...]]:
        """A page of rows from `first`; smaller ones from now on where an answer is too long."""
        while True:
            rows = min(self._page_rows, self._rows - first + 1)
            try:
                return self._values(columns, first, rows)
            except SheetUnavailable as fault:
                if fault.code != "too_long":
                    raise
                if rows < 10:
                    raise SheetRefused("A row of the sheet is too long to be read: shorten its cells.") from None
                self._page_rows = rows // 2

    def _values(self, columns: tuple[int, ...], first: int, rows: int) -> list[tuple[Cell, ...]]:
        """`rows` rows of the columns; blank cells are None or ""."""
        ranges = [self._rows_of(column, first, rows) for column in columns]
        options: Any = {"majorDimension": "COLUMNS", "valueRenderOption": "UNFORMATTED_VALUE"}
        answer = self._read(lambda client: client.values_batch_get(self._spreadsheet, ranges, options))
        found = answer.get("valueRanges")
        if not isinstance(found, list) or len(found) != len(columns):
            raise SheetUnavailable("unreadable_answer", "read", passing=True)
        filled = list(zip_longest(*(_column(one, rows) for one in found)))
        return filled + [(None,) * len(columns)] * (rows - len(filled))

    def _read(self, call: Callable[[HTTPClient], Any]) -> dict[str, Any]:
        if self._quota is not None:
            self._quota.reads.wait()
        self._calls["read"] += 1
        return self._wire.ask(call)

    def _rows_of(self, column: int, first: int, rows: int) -> str:
        """'Sheet1'!G2:G101."""
        letters = letters_of(column)
        return absolute_range_name(self._worksheet, f"{letters}{first}:{letters}{first + rows - 1}")


def _key(cells: Sequence[Cell]) -> list[str]:
    """Identifier and phone as text: a blank cell is left out of an answer that ends with it, and "" in any other."""
    return [text_of(cell) for cell in cells[:KEY]]


def _column(value_range: Any, rows: int) -> list[Cell]:
    """The cells of a range of one column, which end with the last one that is not blank."""
    values = value_range.get("values", [[]]) if isinstance(value_range, dict) else None
    if (
        isinstance(values, list)
        and len(values) == 1
        and isinstance(values[0], list)
        and len(values[0]) <= rows
        and all(cell is None or isinstance(cell, str | int | float) for cell in values[0])
    ):
        return values[0]
    raise SheetUnavailable("unreadable_answer", "read", passing=True)


def _runs(cells: Sequence[tuple[int, str]]) -> list[tuple[int, list[str]]]:
    """(First row, texts) of each run of rows without a gap; the cells are in order of rows."""
    runs: list[tuple[int, list[str]]] = []
    for row, text in cells:
        if runs and runs[-1][0] + len(runs[-1][1]) == row:
            runs[-1][1].append(text)
        else:
            runs.append((row, [text]))
    return runs
