"""Time in cells of five minutes, and sets of cells as whole numbers: bit i of a mask is cell `first + i`.

A month of one resource is a number of 9,000 bits, and what two resources have in common is one `&`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from clinic.booking.models.resources import CELL_MINUTES

CELL = timedelta(minutes=CELL_MINUTES)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def cell_of(instant: datetime) -> int:
    """The cell in which an instant lies."""
    return (instant - EPOCH) // CELL


def cell_from(instant: datetime) -> int:
    """The first cell that begins at the instant or later."""
    return -((EPOCH - instant) // CELL)


def instant_of(cell: int) -> datetime:
    """When a cell begins."""
    return EPOCH + cell * CELL


def on_a_cell(instant: datetime) -> bool:
    return not (instant - EPOCH) % CELL


@dataclass(frozen=True, slots=True)
class Span:
    """The cells from `first` to before `last`."""

    first: int
    last: int

    @property
    def length(self) -> int:
        return max(0, self.last - self.first)

    @property
    def everything(self) -> int:
        """The mask of all its cells."""
        return (1 << self.length) - 1

    def widened(self, before: int, after: int) -> "Span":
        return Span(self.first - before, self.last + after)

    def mask(self, first: int, last: int) -> int:
        """The mask of the cells from `first` to before `last`, as far as they lie in this span."""
        low, high = max(first, self.first) - self.first, min(last, self.last) - self.first
        return ((1 << (high - low)) - 1) << low if high > low else 0

    def mask_of(self, cells: Iterable[int]) -> int:
        marks = bytearray(self.length // 8 + 1)
        for cell in cells:
            at = cell - self.first
            marks[at >> 3] |= 1 << (at & 7)
        return int.from_bytes(marks, "little")

    def cells(self, mask: int) -> Iterator[int]:
        """The cells of a mask, in order."""
        while mask:
            low = mask & -mask
            yield self.first + low.bit_length() - 1
            mask ^= low


def runs(mask: int, length: int) -> int:
    """The cells with which `length` cells of the mask begin, one after the other; each cell where the length is 0."""
    if length <= 0:
        return -1
    done = 1
    while done < length:
        step = min(done, length - done)
        mask &= mask >> step
        done += step
    return mask
