"""Tells operators what became of their rows, where these are now (contract S1-21, S1-22, X-09)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import structlog

from backoffice.adapters.pace import PaceUnavailable
from backoffice.adapters.sheets.faults import SheetRefused, SheetUnavailable
from backoffice.adapters.sheets.moves import Place, Verdict, where_now
from backoffice.adapters.sheets.patience import PATIENCE, Patience
from backoffice.adapters.sheets.protocol import Sheet
from backoffice.adapters.sheets.rows import Key

LONGEST_STATUS: Final = 300
log = structlog.get_logger(__name__)


class Status(NamedTuple):
    """A text for the row that was read as `row`, with `key`."""

    row: int
    key: Key
    text: str


class Posted(NamedTuple):
    """Where each status was written, by the row that was read; and why those of the other rows were not."""

    written: Mapping[int, int]
    not_written: Mapping[int, Verdict]


def post_statuses(sheet: Sheet, statuses: Sequence[Status], patience: Patience = PATIENCE) -> Posted:
    """Write each status into its row, wherever that is now: two calls, three when rows have moved.

    The keys are read again with every attempt, so that a retry does not write where rows were before. Safe to repeat.
    Raises what Sheet raises; then some statuses may be in the sheet, and all can be sent again.
    """
    if not statuses:
        return Posted({}, {})
    texts = {status.row: _line(status.text) for status in statuses}
    read = {status.row: status.key for status in statuses}

    def post() -> Posted:
        places = _places(sheet, read)
        found = {row: place.row for row, place in places.items() if place.row is not None}
        if found:
            sheet.write_statuses(sorted((now, texts[row]) for row, now in found.items()))
        return Posted(found, {row: place.verdict for row, place in places.items() if place.row is None})

    return patience.run(post)


def tell(sheet: Sheet, statuses: Sequence[Status], patience: Patience = PATIENCE) -> Posted | None:
    """Write statuses as post_statuses does; what fails is logged and never raised (contract S1-22).

    None: it is not known that they were written, so they are to be sent again.
    """
    try:
        posted = post_statuses(sheet, statuses, patience)
    except (SheetRefused, SheetUnavailable, PaceUnavailable) as fault:
        log.warning("statuses_not_written", statuses=len(statuses), fault=str(fault))
        return None
    if posted.not_written:
        log.warning("rows_not_found_again", **Counter(map(str, posted.not_written.values())))
    return posted


def _places(sheet: Sheet, read: Mapping[int, Key]) -> dict[int, Place]:
    """Where the rows are; the whole sheet is looked through only when one of them is not where it was."""
    places = where_now(read, {row: key for row, key in sheet.read_keys(min(read), max(read)) if row in read})
    if all(place.verdict == "same" for place in places.values()):
        return places
    identifiers = {identifier for identifier, _ in read.values()}
    return where_now(read, {row: key for row, key in sheet.read_keys() if row in read or key[0] in identifiers})


def _line(text: str) -> str:
    """One line that a cell can hold; never a formula, since statuses begin with a word."""
    return " ".join(text.split())[:LONGEST_STATUS]
