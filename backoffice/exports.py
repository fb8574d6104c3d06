"""Rows as files that a spreadsheet opens: CSV and XLSX, streamed from the database to the file.

A cell that a spreadsheet would take for a formula is disarmed by an apostrophe; numbers and ordinary text stay as they
are.
"""

import csv
import re
import tempfile
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from typing import IO, Any

from django.http import FileResponse, HttpResponse, StreamingHttpResponse

Row = tuple[Any, ...]

_FORMULA = re.compile(r"[=+\-@\t\r\n]")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def csv_lines(columns: Iterable[str], rows: Iterable[Row]) -> Iterator[str]:
    """Lines of CSV, each ended by a newline."""
    writer = csv.writer(_Echo(), lineterminator="\n")
    yield writer.writerow(columns)
    for row in rows:
        yield writer.writerow([as_text(value) for value in row])


def write_xlsx(file: IO[bytes], columns: Iterable[str], rows: Iterable[Row]) -> None:
    """One sheet, written row by row; money and dates are cells of their kind."""
    from openpyxl import Workbook  # a quarter of a second that only a workbook has to wait for

    book = Workbook(write_only=True)
    sheet = book.create_sheet("Nightward")
    sheet.append(list(columns))
    for row in rows:
        sheet.append([value if isinstance(value, Decimal | int | date) else as_text(value) or None for value in row])
    book.save(file)


def as_text(value: Any) -> str:
    """A cell as text that no spreadsheet computes."""
    if value is None:
        return ""
    text = _UNPRINTABLE.sub("", str(value))
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def csv_download(name: str, columns: Iterable[str], rows: Iterable[Row]) -> HttpResponse:
    """The rows as NAME.csv."""
    answer = StreamingHttpResponse(csv_lines(columns, rows), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return answer  # type: ignore[return-value]


def xlsx_download(name: str, columns: Iterable[str], rows: Iterable[Row]) -> HttpResponse:
    """The rows as NAME.xlsx."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 (the response closes it)
    write_xlsx(file, columns, rows)
    file.seek(0)
    return FileResponse(file, as_attachment=True, filename=f"{name}.xlsx")  # type: ignore[return-value]


class _Echo:
    """A file that hands back what csv writes to it."""

    def write(self, text: str) -> str:
        return text
