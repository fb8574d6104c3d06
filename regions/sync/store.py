"""The commit of a chunk, inside the one transaction that the kernel gives."""

from django.db import connection

from backoffice.runs.job import Result
from regions.sync import verdict
from regions.sync.models import Notice, PhoneRow, PhoneUpdate
from regions.sync.scope import Sync
from regions.sync.work import Entry, Work


def commit(sync: Sync, result: Result) -> None:
    """The rows of one chunk, or of what was settled."""
    work: Work = result.rows
    if work.previews:
        PhoneUpdate.objects.bulk_create(work.previews)
    if work.updates:
        closed = [(row.state, row.version_after, row.counted, row.pk) for row in work.updates]
        with connection.cursor() as cursor:
            cursor.executemany(
                "UPDATE regions_phoneupdate SET state = %s, version_after = %s, counted = %s WHERE id = %s", closed
            )
    if work.entries:
        PhoneRow.objects.bulk_create([_row(sync, entry) for entry in work.entries])


def _row(sync: Sync, entry: Entry) -> PhoneRow:
    row, (identifier, phone) = entry.row, entry.row.key
    return PhoneRow(
        region=sync.region,
        run=sync.run,
        row=row.number,
        outcome=entry.outcome,
        reason=entry.reason[:120],
        patients=entry.patients,
        updated=entry.updated,
        rules="; ".join(entry.phone.rules)[:200],
        source=row.source[:120],
        facility=row.facility[:120],
        status=_status(sync, entry),
        notice=Notice.WAITING if _is_news(sync, entry) else Notice.NONE,
        key={"identifier": identifier, "phone": phone},
    )


def _is_news(sync: Sync, entry: Entry) -> bool:
    """A preview tells the sheet nothing; an undo, which numbers no longer stand."""
    return not sync.preview and (entry.undoes is None or entry.outcome == verdict.UPDATED)


def _status(sync: Sync, entry: Entry) -> str:
    correlation_id = sync.run.correlation_id
    if entry.undoes is not None and entry.outcome == verdict.UPDATED:
        return f"failed: put back by an undo [{correlation_id}]"
    return verdict.status_text(entry.outcome, entry.reason, len(entry.failures), entry.patients, correlation_id)
