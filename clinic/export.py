"""Exports: what a run came to, one row per recovered, partially recovered or failed appointment; and the worklist.

Rows stream from the database to the file. A cell that a spreadsheet would take for a formula is disarmed by an
apostrophe; numbers and ordinary text stay as they are.
"""

import csv
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import IO, Any

from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.http import FileResponse, HttpResponse, StreamingHttpResponse

from backoffice.runs.models import Failure, Run
from clinic.models import MissingService, ServiceWrite, WriteState

Row = tuple[Any, ...]

RUN_COLUMNS = ("appointment_id", "start", "outcome", "category", "reasons", "services", "value")
WORKLIST_COLUMNS = (
    "region", "date", "appointment_id", "department_id", "patient_id", "type_code", "status", "outcome", "category",
    "reasons", "services", "value", "missing", "at_stake", "filing_deadline", "age_days", "days_left", "priority",
    "blocked_by", "assignee", "note", "dismissed_reason", "dismissed_until",
)  # fmt: skip

_FORMULA = re.compile(r"[=+\-@\t\r\n]")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def run_rows(run: Run) -> Iterator[Row]:
    """RUN_COLUMNS of the run's whole chain, by (start, appointment id)."""
    both = merge(_written(run), _failed(run), key=itemgetter(1))
    for _, same_start in groupby(both, key=itemgetter(1)):
        for appointment, start, *rest in sorted(same_start, key=itemgetter(0)):
            yield appointment, moment(start), *rest


def _written(run: Run) -> Iterator[Row]:
    rows = _writes(run).order_by("start")
    columns = ("appointment_id", "start", "outcome", "reasons", "services", "value")
    for appointment, start, outcome, reasons, services, value in rows.values_list(*columns).iterator():
        category = "service_block" if reasons else ""
        yield (
            appointment,
            start,
            outcome,
            category,
            reasons,
            ";".join(f"{block}x{n}" for block, n, _ in services),
            value,
        )


def _writes(run: Run) -> QuerySet[ServiceWrite]:
    return ServiceWrite.objects.filter(
        run__chain=run.chain, state__in=(WriteState.WRITTEN, WriteState.PREVIEWED), late=False
    )


def _failed(run: Run) -> Iterator[Row]:
    """A failure has its start from the worklist, where every failed appointment has its row. One that was written in
    part is among the written ones."""
    written = _writes(run).filter(appointment_id=OuterRef("reference"))
    item = MissingService.objects.filter(region=run.region_id, appointment_id=OuterRef("reference"))
    rows = (
        Failure.objects.filter(~Exists(written), run__chain=run.chain)
        .annotate(start=Subquery(item.values("start")[:1]))
        .order_by("start")
    )
    for appointment, start, category, reason in rows.values_list("reference", "start", "category", "reason").iterator(
        chunk_size=2000
    ):
        yield appointment, start, "failed", category, reason, "", ""


def worklist_rows(rows: QuerySet[MissingService]) -> Iterator[Row]:
    """WORKLIST_COLUMNS of the rows, in the order of the query."""
    now = datetime.now(UTC)
    for row in rows.select_related("region", "assignee").iterator(chunk_size=2000):
        zone = row.region.zone
        today, day = now.astimezone(zone).date(), row.start.astimezone(zone).date()
        yield (
            row.region.name, day, row.appointment_id, row.department_id, row.patient_id, row.type_code, row.status,
            row.outcome, row.category, row.reasons, row.services, row.value, row.missing, row.at_stake,
            row.filing_deadline, (today - day).days, (row.filing_deadline - today).days, row.priority, row.blocked_by,
            row.assignee.get_username() if row.assignee else "", row.note, row.dismissed_reason, row.dismissed_until,
        )  # fmt: skip


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


def moment(at: datetime | None) -> str:
    """2005-01-05T22:30:42Z."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at else ""


def csv_response(rows: QuerySet[MissingService]) -> HttpResponse:
    """The worklist's rows as a download."""
    answer = StreamingHttpResponse(
        csv_lines(WORKLIST_COLUMNS, worklist_rows(rows)), content_type="text/csv; charset=utf-8"
    )
    answer["Content-Disposition"] = 'attachment; filename="missing-services.csv"'
    return answer  # type: ignore[return-value]


def xlsx_response(rows: QuerySet[MissingService]) -> HttpResponse:
    """The worklist's rows as a download."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 (the response closes it)
    write_xlsx(file, WORKLIST_COLUMNS, worklist_rows(rows))
    file.seek(0)
    return FileResponse(file, as_attachment=True, filename="missing-services.xlsx")  # type: ignore[return-value]


# What the export buttons offer.
FORMATS: dict[str, Callable[[QuerySet[MissingService]], HttpResponse]] = {"csv": csv_response, "xlsx": xlsx_response}


class _Echo:
    """A file that hands back what csv writes to it."""

    def write(self, text: str) -> str:
        return text
