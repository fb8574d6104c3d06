"""A CSV file as a sheet: rows that nothing is written to stay as they are, byte for byte."""

import csv
import io
from collections.abc import Generator, Iterator, Mapping
from typing import IO, Final, NamedTuple

from backoffice.adapters.sheets.faults import SheetRefused
from backoffice.adapters.sheets.rows import Cell

DELIMITERS: Final = ",;\t|"
MARK: Final = b"\xef\xbb\xbf"


class _Dialect(NamedTuple):
    mark: bytes
    delimiter: str


def rows_of(file: IO[bytes], worksheet: str) -> Generator[tuple[int, list[Cell]], None, None]:
    """(Row number, cells) of each row. Raises SheetRefused for what is no CSV in UTF-8; a CSV has no worksheets."""
    for number, (_, cells) in enumerate(_records(file, _dialect(file)), start=1):
        yield number, list(cells)


def write(source: IO[bytes], target: IO[bytes], worksheet: str, column: int, texts: Mapping[int, str]) -> set[int]:
    """Copy, with `texts` in the column by row number; the numbers of the rows that were there."""
    dialect = _dialect(source)
    target.write(dialect.mark)
    written = set()
    for number, (text, cells) in enumerate(_records(source, dialect), start=1):
        if number in texts:
            padded = cells + [""] * (column - len(cells))
            padded[column - 1] = texts[number]
            target.write(_line(padded, dialect.delimiter, text[len(text.rstrip("\r\n")) :]).encode())
            written.add(number)
        else:
            target.write(text.encode())
    return written


def _line(cells: list[str], delimiter: str, ending: str) -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerow(cells)
    return text.getvalue().removesuffix("\r\n") + ending


def _records(file: IO[bytes], dialect: _Dialect) -> Iterator[tuple[str, list[str]]]:
    """(The text of a record with its line end, its cells), from the beginning of the file."""
    file.seek(len(dialect.mark))
    taken: list[str] = []

    def lines() -> Iterator[str]:
        for line in file:
            taken.append(line.decode())
            yield taken[-1]

    try:
        for cells in csv.reader(lines(), delimiter=dialect.delimiter):
            yield "".join(taken), cells
            taken.clear()
    except (UnicodeDecodeError, csv.Error):
        raise SheetRefused("The file is not CSV in UTF-8: save it as “CSV UTF-8”.") from None


def _dialect(file: IO[bytes]) -> _Dialect:
    """By the first line: the byte order mark, and the delimiter that stands there most often."""
    file.seek(0)
    line = file.readline()
    delimiter = max(DELIMITERS, key=lambda character: line.count(character.encode()))
    return _Dialect(MARK if line.startswith(MARK) else b"", delimiter)
