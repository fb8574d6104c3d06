"""Reading and computing ahead: what the next checkpoint needs is made while this one is committed.

Polars and the databases' drivers let go of the interpreter while they work, so that two cores are of use to one worker.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from contextvars import copy_context
from typing import TypeVar

from django.db import connections

Item = TypeVar("Item")
END = object()


def ahead(items: Iterable[Item]) -> Iterator[Item]:
    """The same items, each made in a thread while the one before it is used. The thread has database connections of its
    own, which see what is committed; what it raises is raised here, in its turn."""
    iterator = iter(items)
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as pool, _connections_closed(pool):
        coming = pool.submit(copy_context().run, next, iterator, END)
        while (item := coming.result()) is not END:
            coming = pool.submit(copy_context().run, next, iterator, END)
            yield item  # type: ignore[misc]
