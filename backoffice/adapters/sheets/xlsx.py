"""An XLSX workbook as a sheet: read row by row, written by changing a column's cells in the file and nothing else."""

import warnings
import zlib
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any, Final
from xml.etree.ElementTree import ParseError, fromstring
from xml.parsers.expat import ExpatError
from zipfile import BadZipFile, ZipFile, ZipInfo

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from backoffice.adapters.sheets.faults import SheetRefused
from backoffice.adapters.sheets.rows import Cell
from backoffice.adapters.sheets.splice import Splice

MAIN: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
STRICT: Final = "{http://purl.oclc.org/ooxml/spreadsheetml/main}"
PIECE: Final = 256 * 1024
LAST_ROW: Final = 1_048_576  # of an XLSX sheet
# Bytes that a part may unpack to: a worksheet is read row by row (some 600,000 of them), what is beside it as a whole.
WORKSHEETS: Final = "xl/worksheets/"
MOST_OF_A_SHEET: Final = 256 * 1024 * 1024
MOST_BESIDE_IT: Final = 64 * 1024 * 1024


def rows_of(file: IO[bytes], worksheet: str) -> Generator[tuple[int, list[Cell]], None, None]:
    """(Row number, cells) of each row of the worksheet, or of the first one; a formula is its last result.

    Raises SheetRefused. Memory holds the workbook's different texts, and one row.
    """
    with _readable():
        with ZipFile(file) as parts:
            _check_sizes(parts)
        book = _loaded(file)
        try:
            sheet = _chosen(book, worksheet)
            sheet.reset_dimensions()  # some programs write a wrong size, and rows would be cut off by it
            rows = sheet.iter_rows(values_only=True)
            number = 0
            while (cells := _next(rows)) is not None:
                number += 1
                if number > LAST_ROW:
                    raise ValueError("a row that no sheet has")
                yield number, [_cell(value) for value in cells]
        finally:
            book.close()


def write(source: IO[bytes], target: IO[bytes], worksheet: str, column: int, texts: Mapping[int, str]) -> set[int]:
    """Copy, with `texts` in the column by row number; the numbers of the rows that were there.

    All else stays as it is: formats, formulas, other sheets, charts, macros. Memory does not grow with the workbook.
    """
    with _readable(), ZipFile(source) as old, ZipFile(target, "w") as new:
        _check_sizes(old)
        part = _part_of(old, worksheet)
        splice = Splice(column, texts)
        new.comment = old.comment
        for info in old.infolist():
            with old.open(info) as reading, new.open(_like(info), "w") as writing:
                while piece := reading.read(PIECE):
                    writing.write(splice.feed(piece) if info.filename == part else piece)
                if info.filename == part:
                    writing.write(splice.end())
        return splice.written


def _check_sizes(book: ZipFile) -> None:
    """SheetRefused where a small file would unpack to more than there is memory for. Pictures are only copied."""
    for part in book.infolist():
        most = MOST_OF_A_SHEET if part.filename.startswith(WORKSHEETS) else MOST_BESIDE_IT
        if part.filename.endswith((".xml", ".rels")) and part.file_size > most:
            raise SheetRefused(
                f"The workbook unpacks to more than {most // 2**20} MiB in {part.filename}: copy the rows that are to "
                "be synced into a new workbook."
            )


def _loaded(file: IO[bytes]) -> Any:
    with _quiet():
        return load_workbook(file, read_only=True, data_only=True)


def _next(rows: Iterator[Any]) -> Any:
    with _quiet():
        return next(rows, None)


@contextmanager
def _quiet() -> Iterator[None]:
    """openpyxl remarks on formats that it does not know; never over a yield, since this holds for the whole process."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _like(info: ZipInfo) -> ZipInfo:
    copy = ZipInfo(info.filename, info.date_time)
    copy.compress_type, copy.external_attr = info.compress_type, info.external_attr
    copy.file_size = info.file_size  # whether it is over 2 GiB must be known beforehand
    return copy


def _chosen(book: Any, worksheet: str) -> Any:
    sheets = {sheet.title: sheet for sheet in book.worksheets}
    if worksheet and worksheet not in sheets:
        raise SheetRefused(f"The workbook has no worksheet {worksheet}: correct WORKSHEET_ID.")
    return sheets[worksheet] if worksheet else book.worksheets[0]


def _part_of(book: ZipFile, worksheet: str) -> str:
    """The file within the workbook that holds the worksheet, or the first one."""
    parts = {
        relation.get("Id"): str(relation.get("Target"))
        for relation in fromstring(book.read("xl/_rels/workbook.xml.rels"))  # noqa: S314 (as openpyxl does)
        if str(relation.get("Type")).endswith("/worksheet")
    }
    root = fromstring(book.read("xl/workbook.xml"))  # noqa: S314
    for sheet in [*root.iter(f"{MAIN}sheet"), *root.iter(f"{STRICT}sheet")]:
        target = next((parts[value] for name, value in sheet.items() if name.endswith("}id") and value in parts), None)
        if target is not None and worksheet in ("", sheet.get("name")):
            return target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
    raise SheetRefused(f"The workbook has no worksheet {worksheet}: correct WORKSHEET_ID.")


def _cell(value: Any) -> Cell:
    if value is None or isinstance(value, str | int | float):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


@contextmanager
def _readable() -> Iterator[None]:
    """Everything that reading a broken workbook raises, as SheetRefused."""
    try:
        yield
    except (BadZipFile, InvalidFileException, ParseError, ExpatError, zlib.error, EOFError, LookupError, ValueError):
        raise SheetRefused("The file is not a readable XLSX workbook: open it and save it as .xlsx again.") from None
    except (TypeError, AttributeError, NotImplementedError, RuntimeError):
        raise SheetRefused("The workbook cannot be read: is it protected by a password?") from None
