"""How the events' processes last: they outlive a lost database or queue server, and end on SIGTERM and Ctrl-C."""

import signal
import threading
from collections.abc import Callable

import structlog
from django.db import InterfaceError, OperationalError, connection
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

PAUSE_SECONDS = 1.0


def on_signals(end: Callable[[], None]) -> None:
    """Call `end` on SIGTERM and Ctrl-C."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: end())


def patiently(step: Callable[[], object], stop: threading.Event) -> None:
    """Do it; where the database or the queue server is away, say so and return after a pause."""
    try:
        step()
    except (InterfaceError, OperationalError, RedisError) as error:
        log.warning("events_wait", error=type(error).__name__)
        connection.close()
        stop.wait(PAUSE_SECONDS)
