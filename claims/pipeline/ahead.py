"""Reading and computing ahead: what the next checkpoints need is made while these are committed.

Polars and the databases' drivers let go of the interpreter while they work, so that two cores are of use to one worker.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context, copy_context
from typing import Any, TypeVar

from django.db import connections

Item = TypeVar("Item")
END: Any = object()


def ahead(blocks: Iterator[Iterable[Item]]) -> Iterator[Item]:
    """The blocks' items; each block is made in a thread while those of the one before it are used. The thread has
    database connections of its own, which see what is committed; what it raises is raised here, in its turn."""
    pool = ThreadPoolExecutor(1, thread_name_prefix="ahead")
    try:
        coming = pool.submit(_next, blocks, copy_context())
        while (items := coming.result()) is not END:
            coming = pool.submit(_next, blocks, copy_context())
            yield from items
    finally:
        pool.submit(_leave, blocks)
        pool.shutdown()


def _next(blocks: Iterator[Any], context: Context) -> Any:
    return context.run(next, blocks, END)


def _leave(blocks: Iterator[Any]) -> None:
    """In the thread: end what is half made, and its connections."""
    if close := getattr(blocks, "close", None):
        close()
    connections.close_all()
