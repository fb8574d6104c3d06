"""How much of a list fits in one request: by number, by bytes, and by what the server has refused so far."""

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class TooLarge(Exception):
    """The server, or we, cannot take that much in one request; nothing of it was done."""


class Limit:
    """At most `most` items in a request; falls, down to 1, and stays there. Safe to share between threads."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._lock = threading.Lock()

    def lower(self, refused: int) -> None:
        """So many were too many."""
        with self._lock:
            self.most = max(1, min(self.most, refused // 2))


def in_chunks(
    items: Sequence[Item],
    limit: Limit,
    send: Callable[[Sequence[Item]], list[Result]],
    alone: Callable[[Item], Result],
    *,
    size: Callable[[Item], int],
    most_bytes: int,
) -> list[Result]:
    """What `send` makes of all items, in their order; it gets as many at a time as fit, one at least.

    Where it raises TooLarge, half as many are tried; what is too large even alone is what `alone` makes of it.
    """
    results: list[Result] = []
    while len(results) < len(items):
        chunk = _fitting(items[len(results) : len(results) + limit.most], size, most_bytes)
        try:
            results += send(chunk)
        except TooLarge:
            limit.lower(len(chunk))
            if len(chunk) == 1:
                results.append(alone(chunk[0]))
    return results


def _fitting(items: Sequence[Item], size: Callable[[Item], int], most_bytes: int) -> Sequence[Item]:
    left = most_bytes
    for number, item in enumerate(items):
        left -= size(item)
        if left < 0 and number:
            return items[:number]
    return items
