"""What every sheet can do, wherever it is kept."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Protocol

from backoffice.adapters.sheets.rows import Columns, Key, Row


class Sheet(Protocol):
    """One worksheet for one run, used by one thread at a time.

    Every method raises SheetRefused or SheetUnavailable, and PaceUnavailable where a quota is kept in Redis.
    """

    def columns(self) -> Columns:
        """Where the columns are; read once."""

    def read(self, after: int = 1) -> Iterator[Row]:
        """The rows below `after` that are not blank, in order and in bounded memory."""

    def read_keys(self, first: int = 2, last: int | None = None) -> Iterator[tuple[int, Key]]:
        """Row numbers and keys from `first` to `last`, blank rows left out. Sent once: post_statuses repeats it."""

    def write_statuses(self, statuses: Sequence[tuple[int, str]]) -> None:
        """Write texts into the status column, by row number, in one call. Sent once: post_statuses repeats it.

        Call it right after read_keys, and only through post_statuses.
        """

    def due(self) -> bool:
        """Whether a write now is worth its cost; statuses that wait are written together, at the end the latest."""

    def take_calls(self) -> Counter[str]:
        """The calls since the last take, repeated ones included: "read" and "write"."""

    def close(self) -> None:
        """Give back connections."""
