"""Something that happens between two statements of something else, in a thread with a connection of its own."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

from django.db import connection, connections

LONGEST_SECONDS = 0.3


@contextmanager
def happens_before(statement: str, act: Callable[[], object]) -> Iterator[None]:
    """Within, `act` begins before the first statement that begins so; the statement waits until it is done, or for so
    long as tells that it waits itself. After it both are done."""
    other = Thread(target=_apart, args=(act,))

    def execute(run: Any, sql: str, *rest: Any) -> Any:
        if not other.ident and sql.startswith(statement):
            other.start()
            other.join(LONGEST_SECONDS)
        return run(sql, *rest)

    with connection.execute_wrapper(execute):
        yield
    assert other.ident, "there was no such statement"
    other.join(20)


def _apart(act: Callable[[], object]) -> None:
    try:
        act()
    finally:
        connections.close_all()
