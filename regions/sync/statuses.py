"""Rows that the operators' sheet is still to be told of: sent after their commit, and again until it is confirmed."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

import structlog

from backoffice.adapters.sheets import Status, tell
from backoffice.adapters.sheets.rows import letters_of
from regions.sync.models import Notice, PhoneRow
from regions.sync.scope import Sync, refusals_end_the_run

AT_ONCE = 10_000  # statuses that are held in memory
log = structlog.get_logger(__name__)


def tell_when_due(sync: Sync) -> None:
    with refusals_end_the_run():
        due = not sync.preview and sync.sheet.due()
    if due:
        _tell(sync)


def tell_all(sync: Sync) -> None:
    """Whatever waits in the region, of earlier runs too; what fails is logged and waits on [S1-22]."""
    while not sync.preview and _tell(sync):
        pass


def _tell(sync: Sync) -> bool:
    """Send the oldest that wait; whether they were sent and others may wait."""
    waiting = PhoneRow.objects.filter(region=sync.region, notice=Notice.WAITING).select_related("run")
    rows = list(waiting.order_by("pk")[:AT_ONCE])
    told_later = {(row.row, *_key(row)): row for row in rows}
    _note(Notice.SUPERSEDED, [row for row in rows if told_later[row.row, *_key(row)] is not row])
    return all(_tell_together(sync, some) for some in _by_chain(told_later.values())) and len(rows) == AT_ONCE


def _by_chain(rows: Iterable[PhoneRow]) -> Iterable[list[PhoneRow]]:
    """The oldest chain first. A number stands for one row of the sheet within a chain alone: then it may be sorted."""
    chains: dict[UUID, list[PhoneRow]] = {}
    for row in sorted(rows, key=lambda row: row.pk):
        chains.setdefault(row.run.chain, []).append(row)
    return chains.values()


def _tell_together(sync: Sync, rows: list[PhoneRow]) -> bool:
    """Whether the sheet took them; each goes where its own key stands by now, or it is noted why nowhere."""
    posted = tell(sync.sheet, [Status(row.row, _key(row), row.status) for row in rows])
    if posted is None:
        return False
    ends: dict[str, list[PhoneRow]] = {}
    for row in rows:
        ends.setdefault(Notice.TOLD if row.row in posted.written else str(posted.not_written[row.row]), []).append(row)
    for notice, some in ends.items():
        _note(notice, some)
    _log(rows, posted.written, letters_of(sync.sheet.columns().status))
    return True


def _note(notice: str, rows: Sequence[PhoneRow]) -> None:
    ids = [row.pk for row in rows]
    for begin in range(0, len(ids), 500):
        PhoneRow.objects.filter(pk__in=ids[begin : begin + 500]).update(notice=notice)


def _key(row: PhoneRow) -> tuple[str, str]:
    return row.key["identifier"], row.key["phone"]


def _log(rows: Iterable[PhoneRow], written: Mapping[int, int], column: str) -> None:
    """One line for each status that was written [S1-36], with the row where it stands now."""
    for row in rows:
        if row.row in written:
            log.info("Row %d (%s): %s", written[row.row], column, row.status)
