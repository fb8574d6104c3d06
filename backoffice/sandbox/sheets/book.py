"""A spreadsheet: its sheets in memory, or kept in a folder as one CSV file each."""

import csv
import os
import re
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from backoffice.sandbox.sheets import a1
from backoffice.sandbox.sheets.a1 import Area, Unparsable
from backoffice.sandbox.sheets.grid import Cell, Grid

NUMBER: Final = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
LONGEST_NUMBER: Final = 15  # what is longer would lose digits, and stays text


class FolderError(Exception):
    """The folder cannot be read or written; the message is one line."""


class Book:
    """The sheets of one spreadsheet by title, in order. Take `lock` around what belongs together."""

    def __init__(self, sheets: Mapping[str, Sequence[Sequence[Cell]]], *, rows: int = 1000, columns: int = 26) -> None:
        self.lock = threading.RLock()
        self.sheets = {title: Grid(title, cells, rows=rows, columns=columns) for title, cells in sheets.items()}
        self._folder: Path | None = None

    @classmethod
    def of_folder(cls, folder: Path) -> "Book":
        """A sheet for each CSV file, by name; what looks like a number is one, as when Google imports a file.

        Raises FolderError.
        """
        try:
            files = sorted(folder.glob("*.csv"))
            sheets = {file.stem: _cells_of(file) for file in files}
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise FolderError(f"{folder}: {error}") from error
        if not sheets:
            raise FolderError(f"{folder}: has no CSV file; each one is a sheet")
        book = cls(sheets)
        book._folder = folder
        return book

    def grid(self, title: str | None) -> Grid:
        """The sheet, or the first one. Raises Unparsable."""
        if title is None:
            return next(iter(self.sheets.values()))
        if title not in self.sheets:
            raise Unparsable(f"Unable to parse range: {title}")
        return self.sheets[title]

    def area(self, text: str) -> tuple[Grid, Area]:
        """The sheet and the clipped area that A1 notation names. Raises Unparsable and OutOfGrid."""
        title, area = a1.parse(text)
        if title is not None and title not in self.sheets:
            raise Unparsable(f"Unable to parse range: {text}")
        grid = self.grid(title)
        return grid, grid.clip(area)

    def write(self, text: str, values: Sequence[Sequence[Any]], *, entered: bool) -> tuple[str, int]:
        """Set the cells of a range; `entered`: as if they were typed. (The range, how many). Raises as area does."""
        title, area = a1.parse(text)
        grid = self.grid(title)
        cells = [[entered_as(cell) if entered and isinstance(cell, str) else cell for cell in row] for row in values]
        return a1.name(grid.title, grid.clip(area)), grid.write(area, cells)

    def save(self) -> None:
        """Put the sheets into their folder, if there is one; each file is replaced whole."""
        if self._folder is None:
            return
        for grid in self.sheets.values():
            draft = self._folder / f".{grid.title}.{os.getpid()}"
            with draft.open("w", encoding="utf-8", newline="") as file:
                csv.writer(file, lineterminator="\n").writerows(grid.cells)
            draft.replace(self._folder / f"{grid.title}.csv")


def entered_as(text: str) -> Cell:
    """What a cell holds after `text` was typed: 0812 stays text only behind an apostrophe, and else loses its 0."""
    if text.startswith("'"):
        return text[1:]
    if re.fullmatch(r"\d+", text):
        return int(text)
    return _number(text)


def _number(text: str) -> Cell:
    if not NUMBER.fullmatch(text) or len(text) > LONGEST_NUMBER:
        return text
    value = float(text)
    return int(value) if value.is_integer() else value


def _cells_of(file: Path) -> list[list[Cell]]:
    """A leading 0 is kept, as the import's own setting does."""
    with file.open(encoding="utf-8-sig", newline="") as opened:
        return [[_number(cell) for cell in row] for row in csv.reader(opened)]
