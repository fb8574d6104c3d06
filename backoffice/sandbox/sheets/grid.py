"""One sheet's cells, and what operators do to its rows while a program is at work."""

from collections.abc import Sequence
from typing import Any, Final

from backoffice.sandbox.sheets.a1 import Area, letters_of, name

Cell = str | int | float | bool
SHOWN_WHOLE: Final = 10**10  # a larger number does not fit a column of the usual width, and is shown as 8.12346E+10


class OutOfGrid(ValueError):
    """The range is not within the sheet, or the values not within the range: status 400."""


class Grid:
    """`rows` by `columns` cells; a blank one is "". Row and column numbers are from 1."""

    def __init__(
        self, title: str, cells: Sequence[Sequence[Cell]] = (), *, rows: int = 1000, columns: int = 26
    ) -> None:
        self.title = title
        self.rows = max(rows, len(cells))
        self.columns = max(columns, *(len(row) for row in cells)) if cells else columns
        self.cells = [list(row) for row in cells]

    def clip(self, area: Area) -> Area:
        """The area with an end, within the grid. Raises OutOfGrid where it begins outside."""
        if area.first_row > self.rows or area.first_column > self.columns:
            raise OutOfGrid(
                f"Range ({name(self.title, self._closed(area))}) exceeds grid limits. "
                f"Max rows: {self.rows}, max columns: {self.columns}"
            )
        last_row, last_column = area.last_row or self.rows, area.last_column or self.columns
        return area._replace(last_row=min(last_row, self.rows), last_column=min(last_column, self.columns))

    def read(self, area: Area, *, formatted: bool) -> list[list[Cell]]:
        """The rows of a clipped area without the blank cells and rows at their ends."""
        found = [
            _trimmed([formatted_of(cell) if formatted else cell for cell in self._row(number, area)])
            for number in range(area.first_row, (area.last_row or 0) + 1)
        ]
        while found and not found[-1]:
            found.pop()
        return found

    def write(self, area: Area, values: Sequence[Sequence[Any]]) -> int:
        """Set the cells; None leaves one as it is. Their number. Raises OutOfGrid."""
        closed = self._closed(area)
        last_row, last_column = closed.last_row or 0, closed.last_column or 0
        if last_row > self.rows or last_column > self.columns:
            self.clip(Area(last_row, last_column, last_row, last_column))
        if len(values) > last_row - area.first_row + 1:
            raise OutOfGrid(f"Requested writing within range [{name(self.title, closed)}], but tried writing more rows")
        if max(map(len, values), default=0) > last_column - area.first_column + 1:
            beyond = letters_of(last_column + 1)
            raise OutOfGrid(
                f"Requested writing within range [{name(self.title, closed)}], but tried writing to column [{beyond}]"
            )
        for row, cells in enumerate(values, start=area.first_row):
            for column, cell in enumerate(cells, start=area.first_column):
                if cell is not None:
                    self._set(row, column, cell)
        return sum(len(cells) for cells in values)

    def sort(self, column: int, *, descending: bool = False) -> None:
        """Sort the rows below the header by one column, as text; blank rows stay at the end."""
        header, body = self.cells[:1], [row for row in self.cells[1:] if any(cell != "" for cell in row)]
        body.sort(key=lambda row: str(row[column - 1]) if column <= len(row) else "", reverse=descending)
        self.cells = header + body

    def insert(self, before: int, rows: Sequence[Sequence[Cell]]) -> None:
        """Insert rows before a row."""
        self.cells += [[] for _ in range(before - 1 - len(self.cells))]
        self.cells[before - 1 : before - 1] = [list(row) for row in rows]
        self.rows += len(rows)

    def delete(self, first: int, count: int) -> None:
        """Delete rows; those below move up."""
        del self.cells[first - 1 : first - 1 + count]
        self.rows -= count

    def _closed(self, area: Area) -> Area:
        return area._replace(last_row=area.last_row or self.rows, last_column=area.last_column or self.columns)

    def _row(self, number: int, area: Area) -> list[Cell]:
        return self.cells[number - 1][area.first_column - 1 : area.last_column] if number <= len(self.cells) else []

    def _set(self, row: int, column: int, cell: Cell) -> None:
        self.cells += [[] for _ in range(row - len(self.cells))]
        cells = self.cells[row - 1]
        cells += [""] * (column - len(cells))
        cells[column - 1] = cell


def formatted_of(cell: Cell) -> str:
    """A cell as it is shown, which is not what it holds."""
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, int | float):
        return f"{cell:.5E}" if abs(cell) >= SHOWN_WHOLE else f"{cell:.10g}"
    return cell


def _trimmed(cells: list[Cell]) -> list[Cell]:
    while cells and cells[-1] == "":
        cells.pop()
    return cells
