"""The sheet in chunks of a hundred rows; between them, operators are told what became of theirs."""

from collections import deque
from collections.abc import Iterator
from typing import NoReturn

import structlog

from backoffice.adapters.sheets import Row
from backoffice.runs.faults import ConfigError, WrongUse
from backoffice.runs.job import Chunk, Json
from backoffice.runs.models import Run
from regions.sync import undo, verdict
from regions.sync.models import PhoneRow
from regions.sync.scope import BATCH, Sync, refusals_end_the_run
from regions.sync.statuses import tell_all, tell_when_due

AHEAD = 10_000  # rows read before they are worked, so that their number is known; some megabytes
SPOKEN = 500
log = structlog.get_logger(__name__)


def chunks(sync: Sync, checkpoint: Json | None) -> Iterator[Chunk]:
    """The rows after the checkpoint's. The last chunk has none: it counts the calls that told the last statuses."""
    if sync.undo:
        yield from undo.chunks(sync, checkpoint)
        return
    at = checkpoint or {"row": _span(sync)[0] - 1, "rows": 0, "batch": 0}
    row, rows, batch = at["row"], at["rows"], at["batch"]
    log.info("Starting batch processing with batch size: %d", BATCH)
    source, ahead, ended = _rows(sync, row, going_on=rows > 0), deque[Row](), False
    while True:
        if not ended and len(ahead) <= BATCH:
            ended = _fill(source, ahead)
        if not ahead:
            break
        data = [ahead.popleft() for _ in range(min(BATCH, len(ahead)))]
        row, rows, batch = data[-1].number, rows + len(data), batch + 1
        total = rows + len(ahead) if ended else 0
        of = _batches(rows + len(ahead)) + ("" if ended else "+")
        log.info("Processing batch %d/%s (%d records)", batch, of, len(data))
        place = {"row": row, "rows": rows, "batch": batch}
        yield Chunk(data=data, checkpoint=place, done=rows, of=total, label=f"batch {batch} of {of}")
        if rows // SPOKEN > (rows - len(data)) // SPOKEN:
            log.info("PROGRESS: %d/%s", rows, total or f"{rows + len(ahead)}+")
        tell_when_due(sync)
    tell_all(sync)
    place = {"row": row, "rows": rows, "batch": batch}
    yield Chunk(data=[], checkpoint=place, done=rows, of=rows, label=f"{batch} of {batch} batches")
    log.info("Processing completed in %.2f minutes", sync.part.seconds / 60)


def _batches(rows: int) -> str:
    return str((rows - 1) // BATCH + 1)


def _span(sync: Sync) -> tuple[int, int | None]:
    """The first and the last row; row 1 names the columns."""
    if "rows" not in sync.parameters:
        return 2, None
    first, last = sync.parameters["rows"].split(":")
    return int(first), int(last)


def _rows(sync: Sync, after: int, *, going_on: bool) -> Iterator[Row]:
    last, failed = _span(sync)[1], _failed(sync)
    source = sync.sheet.read(after=after - going_on)
    if going_on:
        _check_place(sync, after, next(source, None))
    found = going_on
    for row in source:
        if last is not None and row.number > last:
            break
        found = True
        if failed is None or (row.identifier or row.number) in failed:
            yield row
    if last is not None and not found:
        _say_that_there_are_none(sync)


def _say_that_there_are_none(sync: Sync) -> NoReturn:
    """WrongUse: no row stands where rows were asked for, and which one is the sheet's last."""
    end = 1
    for row in sync.sheet.read():
        end = row.number
    where = "are beyond the sheet" if end < _span(sync)[0] else "of the sheet are blank"
    raise WrongUse(f"Rows {sync.parameters['rows']} {where}; its last row is {end}: ask for rows up to that one.")


def _check_place(sync: Sync, number: int, now: Row | None) -> None:
    """ConfigError where the last row that was done is another one by now: those after it may be others, too.

    Its number may have been corrected meanwhile.
    """
    last = PhoneRow.objects.filter(run__chain=sync.run.chain, row=number).order_by("pk").last()
    if last is None:
        raise ConfigError("What this sync has done is kept no more (PHONE_KEPT_DAYS): start it anew (--fresh).")
    done = last.key
    same = now is not None and now.number == number and now.identifier == done["identifier"]
    if not same or (now is not None and not now.identifier and now.key[1] != done["phone"]):
        raise ConfigError(
            f"Rows of the sheet were moved since the sync stopped after row {number}, so that some could be left out: "
            "start it anew (--fresh); what is done already is found so."
        )


def _failed(sync: Sync) -> set[str | int] | None:
    """The identifiers of the rows that failed in the run that this one repeats; of rows without one, their number."""
    if "only" not in sync.parameters:
        return None
    chain = Run.objects.get(pk=sync.parameters["only"]["failures_of"]).chain
    rows = PhoneRow.objects.filter(region=sync.region, run__chain=chain).exclude(outcome__in=verdict.GOOD)
    return {str(row.key["identifier"]) or row.row for row in rows.iterator()}


def _fill(source: Iterator[Row], ahead: deque[Row]) -> bool:
    """Read until there are AHEAD rows; whether that was the last of them."""
    with refusals_end_the_run():
        for row in source:
            ahead.append(row)
            if len(ahead) > AHEAD:
                return False
    return True
