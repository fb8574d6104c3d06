"""Reading and computing ahead: what the next checkpoint needs is made while this one is committed.

Polars and the databases' drivers let go of the interpreter while they work, so that two cores are of use to one worker.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context, copy_context
from typing import Any, TypeVar

from django.db import connections

Item = TypeVar("Item")
END: Any = object()


def ahead(items: Iterator[Item]) -> Iterator[Item]:
    """The same items, each made in a thread while the one before it is used. The thread has database connections of its
    own, which see what is committed; what it raises is raised here, in its turn."""
    pool = ThreadPoolExecutor(1, thread_name_prefix="ahead")
    try:
        coming = pool.submit(_next, items, copy_context())
        while (item := coming.result()) is not END:
            coming = pool.submit(_next, items, copy_context())
            yield item
    finally:
        pool.submit(_leave, items)
        pool.shutdown()


def _next(items: Iterator[Any], context: Context) -> Any:
    return context.run(next, items, END)


def _leave(items: Iterator[Any]) -> None:
    """In the thread: end what is half made, and its connections."""
    if close := getattr(items, "close", None):
        close()
    connections.close_all()
