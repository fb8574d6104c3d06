"""Queues that are paused: what is in hand is worked to its end, and nothing more is taken from them.

The rows of backoffice.operations say which are; a set in Redis tells the workers, who ask before each job. A worker's
maintenance writes the set anew, should Redis have lost it.
"""

import time
from collections.abc import Iterable
from typing import Any

from django_rq.queues import DjangoRQ
from redis import Redis
from rq.exceptions import DequeueTimeout
from rq.job import Job
from rq.queue import Queue

PAUSED = "nightward:paused-queues"


def paused(client: Redis) -> set[str]:
    names: set[bytes] = client.smembers(PAUSED)  # type: ignore[assignment]
    return {name.decode() for name in names}


def pause(client: Redis, names: Iterable[str]) -> None:
    """These as well. By themselves, as two people may do different things at the same moment."""
    for name in names:
        client.sadd(PAUSED, name)


def resume(client: Redis, names: Iterable[str]) -> None:
    """These no more."""
    for name in names:
        client.srem(PAUSED, name)


def tell(client: Redis, names: Iterable[str]) -> None:
    """These are paused, and no others."""
    with client.pipeline(transaction=True) as pipeline:
        pipeline.delete(PAUSED)
        for name in names:
            pipeline.sadd(PAUSED, name)
        pipeline.execute()


class PausableQueue(DjangoRQ):
    """A queue of which a worker takes nothing while it is paused."""

    @classmethod
    def dequeue_any(
        cls, queues: Iterable[Queue], timeout: int | None, connection: Redis, *args: Any, **options: Any
    ) -> tuple[Job, Queue] | None:
        off = paused(connection)
        on = [queue for queue in queues if queue.name not in off]
        if on:
            return super().dequeue_any(on, timeout, connection, *args, **options)
        if timeout is None:
            return None
        time.sleep(timeout)
        raise DequeueTimeout(timeout, [])
