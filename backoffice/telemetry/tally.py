"""Counts that all processes share, on the queue's server: since its data began, and minute by minute for a day.

A process adds up in memory and hands over every few seconds, in a thread of its own: no request waits for it, and none
fails where the server is away; what could not be handed over then goes with the next lot. Why not files of each
process or rows of the database: docs/decisions/0120-one-scrape-says-all.md.
"""

import atexit
import os
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import structlog
from redis import Redis
from redis.exceptions import RedisError

from backoffice.queue_server import connect

log = structlog.get_logger(__name__)

TOTALS = "nightward:counts"
MINUTES = "nightward:counts:{}"
KEPT_SECONDS = 86_400
FLUSH_SECONDS = 5.0
SEPARATOR = "|"

Labels = tuple[str, ...]
Counts = dict[Labels, float]

_lock = threading.Lock()
_handing_over = threading.Lock()
_waiting: dict[int, Counts] = {}
_thread_of = 0  # the process whose thread hands over; another one's after a fork
_lost = threading.Event()  # the server did not take the last lot


def count(*labels: str, amount: float = 1) -> None:
    """Add to the count of these labels; the first one is what is counted. None of them is of a patient."""
    add({labels: amount})


def add(counts: Mapping[Labels, float]) -> None:
    """Several counts of the same moment."""
    minute = this_minute()
    with _lock:
        mine = _waiting.setdefault(minute, {})
        for labels, amount in counts.items():
            mine[labels] = mine.get(labels, 0) + amount
    _start()


def this_minute() -> int:
    """Minutes since the epoch."""
    return int(time.time()) // 60


def flush() -> bool:
    """Hand over what waits, and wait for who is at it; False where the server did not take it."""
    with _handing_over:
        return _flush()


def _flush() -> bool:
    with _lock:
        taken = dict(_waiting)
        _waiting.clear()
    if not taken:
        return True
    try:
        with connect() as client, client.pipeline(transaction=True) as pipeline:
            for minute, counts in taken.items():
                name = MINUTES.format(minute)
                for labels, amount in counts.items():
                    field = SEPARATOR.join(labels)
                    pipeline.hincrbyfloat(TOTALS, field, amount)
                    pipeline.hincrbyfloat(name, field, amount)
                pipeline.expire(name, KEPT_SECONDS)
            pipeline.execute()
    except RedisError as error:
        _give_back(taken)
        if not _lost.is_set():
            log.warning("counts_wait", error=type(error).__name__)
        _lost.set()
        return False
    _lost.clear()
    return True


def totals(client: Redis) -> Counts:
    """Since the server's data began."""
    return _counts(client.hgetall(TOTALS))


def by_minute(client: Redis, minutes: int) -> dict[int, Counts]:
    """Of the last so many minutes, the present one included, those in which anything was counted: minute → counts."""
    now = this_minute()
    wanted = range(now - minutes + 1, now + 1)
    with client.pipeline(transaction=False) as pipeline:
        for minute in wanted:
            pipeline.hgetall(MINUTES.format(minute))
        answers = pipeline.execute()
    return {minute: _counts(answer) for minute, answer in zip(wanted, answers, strict=True) if answer}


def _counts(answer: Mapping[Any, Any]) -> Counts:
    """Of what HGETALL answers: bytes to bytes."""
    return {tuple(field.decode().split(SEPARATOR)): float(amount) for field, amount in answer.items()}


def _give_back(taken: Mapping[int, Counts]) -> None:
    oldest = this_minute() - KEPT_SECONDS // 60
    with _lock:
        for minute, counts in taken.items():
            mine = _waiting.setdefault(max(minute, oldest), {})
            for labels, amount in counts.items():
                mine[labels] = mine.get(labels, 0) + amount


def _start() -> None:
    """The thread that hands over, once in each process that counts anything."""
    global _thread_of  # noqa: PLW0603 (a thread belongs to a process)
    with _lock:
        if _thread_of == os.getpid():
            return
        _thread_of = os.getpid()
    threading.Thread(target=_keep_flushing, name="counts", daemon=True).start()
    atexit.register(_leave)


def _keep_flushing() -> None:
    while True:
        time.sleep(FLUSH_SECONDS)
        flush()


def _leave() -> None:
    """As the process ends: what is not taken now is lost, and nobody is left to be told."""
    _lost.set()
    flush()


def _begin_anew() -> None:
    """In a forked child: what its parent has counted is its parent's to hand over, and so is the lock."""
    global _lock, _handing_over
    _lock, _handing_over = threading.Lock(), threading.Lock()
    _waiting.clear()


with suppress(AttributeError):
    os.register_at_fork(after_in_child=_begin_anew)
