"""Rows that the operators' sheet is still to be told of: sent after their commit, and again until it is confirmed."""

from collections.abc import Iterable, Mapping

import structlog

from backoffice.adapters.sheets import Status, tell
from backoffice.adapters.sheets.rows import letters_of
from regions.sync.models import Notice, PhoneRow
from regions.sync.scope import Sync

AT_ONCE = 10_000  # statuses that are held in memory
log = structlog.get_logger(__name__)


def tell_when_due(sync: Sync) -> None:
    if not sync.preview and sync.sheet.due():
        _tell(sync)


def tell_all(sync: Sync) -> None:
    """Whatever waits in the region, of earlier runs too; what fails is logged and waits on [S1-22]."""
    while not sync.preview and _tell(sync):
        pass


def _tell(sync: Sync) -> bool:
    """Send the oldest that wait; whether they were sent and others may wait."""
    rows = list(PhoneRow.objects.filter(region=sync.region, notice=Notice.WAITING).order_by("pk")[:AT_ONCE])
    latest = {row.row: row for row in rows}
    posted = tell(sync.sheet, [Status(number, _key(row), row.status) for number, row in latest.items()])
    if posted is None or not rows:
        return False
    ends: dict[str, list[int]] = {}
    for row in rows:
        if latest[row.row] is not row:
            notice = str(Notice.SUPERSEDED)
        elif row.row in posted.written:
            notice = str(Notice.TOLD)
        else:
            notice = str(posted.not_written[row.row])
        ends.setdefault(notice, []).append(row.pk)
    for notice, ids in ends.items():
        for begin in range(0, len(ids), 500):
            PhoneRow.objects.filter(pk__in=ids[begin : begin + 500]).update(notice=notice)
    _log(latest.values(), posted.written, letters_of(sync.sheet.columns().status))
    return len(rows) == AT_ONCE


def _key(row: PhoneRow) -> tuple[str, str]:
    return row.key["identifier"], row.key["phone"]


def _log(rows: Iterable[PhoneRow], written: Mapping[int, int], column: str) -> None:
    """One line for each status that was written [S1-36], with the row where it stands now."""
    for row in rows:
        if row.row in written:
            log.info("Row %d (%s): %s", written[row.row], column, row.status)
