"""What may be wrong with the processes, for backoffice.runs.alerts."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime

from django.utils import timezone
from redis.exceptions import RedisError

from backoffice import presence
from backoffice.formats import count, duration
from backoffice.operations.models import PausedQueue
from backoffice.operations.orders import tell_workers
from backoffice.operations.standing import meant_to_run
from backoffice.runs.alerts import Wrong, as_before
from backoffice.runs.faults import Misuse


def gone_processes() -> Iterator[Wrong]:
    """Processes that ended without a word and that nothing has replaced, and kinds of which the last one has left; one
    alert for each name."""
    now = datetime.now(UTC)
    try:
        found, ends = presence.processes(), presence.left()
    except RedisError:  # backoffice.runs.alerts.queue_unreachable says so
        yield from as_before("process")
        return
    lost = presence.gone(found, now)
    for name in sorted({one.name for one in lost}):
        ended = [one for one in lost if one.name == name]
        since = duration((now - max(one.seen for one in ended)).total_seconds())
        yield Wrong(
            kind="process",
            key=name,
            message=f"{count(len(ended), 'process', 'processes')} {name} ended {since} ago without a word. Start it"
            " again, or take it off the list on the page Processes.",
        )

    for name in meant_to_run() - {one.name for one in found}:
        if name in ends and now - ends[name] > presence.silence():
            since = duration((now - ends[name]).total_seconds())
            yield Wrong(
                kind="process",
                key=name,
                message=f"No process {name} runs any more: the last one ended {since} ago. Start it again, or take it"
                " off the list on the page Processes.",
            )


def long_pauses() -> Iterator[Wrong]:
    """Queues that somebody paused and may have forgotten. Workers are told of them again: Redis may have lost it."""
    with suppress(Misuse):
        tell_workers()
    for row in PausedQueue.objects.all():
        since = duration((timezone.now() - row.since).total_seconds())
        yield Wrong(
            kind="paused",
            key=row.name,
            message=f"The queue {row.name} is paused since {since}: {row.reason}. The page Queues resumes it.",
        )
