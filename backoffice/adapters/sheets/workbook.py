"""A workbook on this machine, XLSX or CSV, as a sheet: the embedded default (contract S1-01, S1-21, S1-34).

A write makes the whole file anew, so it costs the same for one status as for all. due() spreads writes so that they
take a twentieth of the time; see docs/decisions/0051-sheets.md.
"""

import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import IO, Final, NamedTuple

from backoffice.adapters.sheets import csvfile, xlsx
from backoffice.adapters.sheets.faults import SheetRefused, SheetUnavailable
from backoffice.adapters.sheets.files import LOCK_SECONDS, Signature, opened, rewrite, signature_of
from backoffice.adapters.sheets.rows import STATUS, Cell, Columns, Key, Row, find_columns, row_of, text_of

SHARE_OF_TIME: Final = 20
WIDEST: Final = 16_384  # columns of an XLSX sheet


class _Format(NamedTuple):
    """How a kind of file is read, and copied with some cells changed."""

    rows_of: Callable[[IO[bytes], str], Generator[tuple[int, list[Cell]], None, None]]
    write: Callable[[IO[bytes], IO[bytes], str, int, Mapping[int, str]], set[int]]


FORMATS: Final = {
    ".xlsx": _Format(xlsx.rows_of, xlsx.write),
    ".xlsm": _Format(xlsx.rows_of, xlsx.write),
    ".csv": _Format(csvfile.rows_of, csvfile.write),
}


class Workbook:
    """One worksheet by its title, or the first one; see Sheet for what is promised."""

    def __init__(self, path: Path, worksheet: str = "", *, lock_seconds: float = LOCK_SECONDS) -> None:
        if path.suffix.casefold() not in FORMATS:
            raise SheetRefused(f"{path} is neither an XLSX nor a CSV workbook.")
        self._path, self._worksheet, self._lock_seconds = path, worksheet, lock_seconds
        self._format = FORMATS[path.suffix.casefold()]
        self._columns: Columns | None = None
        self._seen: Signature | None = None
        self._calls: Counter[str] = Counter()
        self._due_at = self._began = 0.0

    def columns(self) -> Columns:
        if self._columns is None:
            with opened(self._path) as file, closing(self._format.rows_of(file, self._worksheet)) as rows:
                self._columns = find_columns(next((cells for _, cells in rows), []), WIDEST)
        return self._columns

    def read(self, after: int = 1) -> Iterator[Row]:
        columns = self.columns()
        wanted = columns.read()
        self._calls["read"] += 1
        with opened(self._path) as file, closing(self._format.rows_of(file, self._worksheet)) as rows:
            for number, cells in rows:
                if number > after and (row := row_of(number, columns, {c: _at(cells, c) for c in wanted})):
                    yield row

    def read_keys(self, first: int = 2, last: int | None = None) -> Iterator[tuple[int, Key]]:
        columns = self.columns()
        self._calls["read"] += 1
        self._began = time.monotonic()
        with opened(self._path) as file, closing(self._format.rows_of(file, self._worksheet)) as rows:
            self._seen = signature_of(file)
            for number, cells in rows:
                if last is not None and number > last:
                    return
                key = text_of(_at(cells, columns.identifier)), text_of(_at(cells, columns.phone))
                if number >= first and any(key):
                    yield number, key

    def write_statuses(self, statuses: Sequence[tuple[int, str]]) -> None:
        columns = self.columns()
        texts = dict(statuses) if columns.status_named else {1: STATUS, **dict(statuses)}
        self._calls["write"] += 1

        def write(source: IO[bytes], target: IO[bytes]) -> None:
            written = self._format.write(source, target, self._worksheet, columns.status, texts)
            if len(written) < len(texts):
                raise SheetUnavailable("changed", passing=True)

        try:
            self._seen = rewrite(self._path, self._seen, write, lock_seconds=self._lock_seconds)
        finally:
            ended = time.monotonic()
            self._due_at = ended + SHARE_OF_TIME * (ended - min(ended, self._began or ended))
        self._columns = replace(columns, status_named=True)

    def due(self) -> bool:
        return time.monotonic() >= self._due_at

    def take_calls(self) -> Counter[str]:
        taken, self._calls = self._calls, Counter()
        return taken

    def close(self) -> None:
        """Nothing stays open."""


def _at(cells: Sequence[Cell], column: int) -> Cell:
    return cells[column - 1] if column <= len(cells) else None
