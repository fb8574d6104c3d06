"""The sheet in chunks of a hundred rows; between them, operators are told what became of theirs."""

from collections import deque
from collections.abc import Iterator

import structlog

from backoffice.adapters.sheets import Row
from backoffice.runs.job import Chunk, Json
from backoffice.runs.models import Run
from regions.sync import undo, verdict
from regions.sync.models import PhoneRow
from regions.sync.scope import BATCH, Sync, refusals_end_the_run
from regions.sync.statuses import tell_all, tell_when_due

AHEAD = 10_000  # rows read before they are worked, so that their number is known; a page of Google's, some megabytes
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
    source, ahead, ended = _rows(sync, row), deque[Row](), False
    while True:
        if not ended and len(ahead) < BATCH:
            ended = _fill(source, ahead)
        if not ahead:
            break
        data = [ahead.popleft() for _ in range(min(BATCH, len(ahead)))]
        row, rows, batch = data[-1].number, rows + len(data), batch + 1
        total = rows + len(ahead) if ended else 0
        of = str((total - 1) // BATCH + 1) if ended else "?"
        log.info("Processing batch %d/%s (%d records)", batch, of, len(data))
        place = {"row": row, "rows": rows, "batch": batch}
        yield Chunk(data=data, checkpoint=place, done=rows, of=total, label=f"batch {batch} of {of}")
        if rows // SPOKEN > (rows - len(data)) // SPOKEN:
            log.info("PROGRESS: %d/%s", rows, total or "?")
        tell_when_due(sync)
    tell_all(sync)
    place = {"row": row, "rows": rows, "batch": batch}
    yield Chunk(data=[], checkpoint=place, done=rows, of=rows, label=f"{batch} of {batch} batches")
    log.info("Processing completed in %.2f minutes", sync.part.seconds / 60)


def _span(sync: Sync) -> tuple[int, int | None]:
    """The first and the last row; row 1 names the columns."""
    if "rows" not in sync.parameters:
        return 2, None
    first, last = sync.parameters["rows"].split(":")
    return int(first), int(last)


def _rows(sync: Sync, after: int) -> Iterator[Row]:
    last, failed = _span(sync)[1], _failed(sync)
    for row in sync.sheet.read(after=after):
        if last is not None and row.number > last:
            return
        if failed is None or (row.identifier or row.number) in failed:
            yield row


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
            if len(ahead) >= AHEAD:
                return False
    return True
