"""Exports: what a run came to, one row per recovered, partially recovered or failed appointment; and the worklist.

Rows stream from the database to the file.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from heapq import merge
from itertools import groupby
from operator import itemgetter

from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.http import HttpResponse

from backoffice.exports import Row, csv_download, xlsx_download
from backoffice.runs.models import Failure, Run
from clinic.models import MissingService, ServiceWrite, WriteState

RUN_COLUMNS = ("appointment_id", "start", "outcome", "category", "reasons", "services", "value")
WORKLIST_COLUMNS = (
    "region", "date", "appointment_id", "department_id", "patient_id", "type_code", "status", "outcome", "category",
    "reasons", "services", "value", "missing", "at_stake", "filing_deadline", "age_days", "days_left", "priority",
    "blocked_by", "assignee", "note", "dismissed_reason", "dismissed_until",
)  # fmt: skip


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


def moment(at: datetime | None) -> str:
    """2005-01-05T22:30:42Z."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at else ""


def csv_response(rows: QuerySet[MissingService]) -> HttpResponse:
    """The worklist's rows as a download."""
    return csv_download("missing-services", WORKLIST_COLUMNS, worklist_rows(rows))


def xlsx_response(rows: QuerySet[MissingService]) -> HttpResponse:
    """The worklist's rows as a download."""
    return xlsx_download("missing-services", WORKLIST_COLUMNS, worklist_rows(rows))


# What the export buttons offer.
FORMATS: dict[str, Callable[[QuerySet[MissingService]], HttpResponse]] = {"csv": csv_response, "xlsx": xlsx_response}
