"""The commit of a chunk, inside the one transaction that the kernel gives."""

from functools import partial

import structlog
from django.db import connection, transaction

from backoffice.runs.job import Result
from backoffice.telemetry import tally
from regions.sync import verdict
from regions.sync.marks import RULE, digest_of
from regions.sync.models import Notice, PhoneRow, PhoneUpdate, UpdateState
from regions.sync.scope import Sync
from regions.sync.undeliverable import close_corrected
from regions.sync.work import Entry, Work

BATCHES, DONE, FAILED = "batch", "done", "failed"
log = structlog.get_logger(__name__)


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
        written = [row for row in work.updates if row.state == UpdateState.WRITTEN and row.undoes_id is None]
        close_corrected(sync.run, written, sync.undeliverable)
    if work.entries:
        PhoneRow.objects.bulk_create([_row(sync, entry) for entry in work.entries])
        failures = sum(entry.outcome not in verdict.GOOD for entry in work.entries)
        figures = {"batch": sync.part.checkpoint_number, "records": len(work.entries), "failures": failures}
        transaction.on_commit(partial(log.info, "batch_done", **figures))
        if not sync.preview:
            transaction.on_commit(partial(_count, sync.region.name, len(work.entries) - failures, failures))


def _count(region: str, done: int, failures: int) -> None:
    """For the alert that pings while a sync still runs [S1-30]."""
    tally.add({(BATCHES, region, DONE): done, (BATCHES, region, FAILED): failures})


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
        rules="; ".join(_rules(sync, entry))[:200],
        source=_plain(row.source),
        facility=_plain(row.facility),
        status=_status(sync, entry),
        notice=Notice.WAITING if _is_news(sync, entry) else Notice.NONE,
        key={"identifier": identifier, "phone": phone},
    )


def _rules(sync: Sync, entry: Entry) -> tuple[str, ...]:
    """What cleaning had to do, and that messages to the number come back, where they do."""
    number = entry.phone.e164
    known = bool(number and sync.undeliverable) and digest_of(number) in sync.undeliverable
    return (*entry.phone.rules, RULE) if known else entry.phone.rules


def _plain(text: str) -> str:
    """What a database can hold of a cell: neither NUL nor half a character."""
    return "".join(character for character in text if character.isprintable())[:120]


def _is_news(sync: Sync, entry: Entry) -> bool:
    """A preview tells the sheet nothing; an undo, which numbers no longer stand."""
    return not sync.preview and (entry.undoes is None or entry.outcome == verdict.UPDATED)


def _status(sync: Sync, entry: Entry) -> str:
    correlation_id = sync.run.correlation_id
    if entry.undoes is not None and entry.outcome == verdict.UPDATED:
        return f"failed: put back by an undo [{correlation_id}]"
    return verdict.status_text(entry.outcome, entry.reason, len(entry.failures), entry.patients, correlation_id)
