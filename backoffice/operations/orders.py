"""What a button does. Each order is a row, written once the effect is certain; Misuse says why there is none."""

from collections.abc import Callable, Iterable

import django_rq
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from redis import Redis
from redis.exceptions import RedisError
from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq.registry import FailedJobRegistry

from backoffice import pausing, presence
from backoffice.operations.models import Order, PausedQueue
from backoffice.queue_server import connect
from backoffice.runs.faults import Misuse

NO_QUEUE = "The queue does not answer: start Redis, or correct REDIS_URL. Nothing was done."


def restart(names: Iterable[str], by: User) -> int:
    """Ask every process of these names to begin again, after what it has in hand; how many names."""
    wanted = list(names)
    try:
        for name in wanted:
            presence.ask_for_restart(name)
    except RedisError:
        raise Misuse(NO_QUEUE) from None
    for name in wanted:
        Order.objects.create(kind=Order.Kind.RESTART, target=name, by=by)
    return len(wanted)


def forget(key: str, by: User) -> None:
    """Take one off the list of processes that is gone and will not come back."""
    try:
        there = presence.forget(key)
    except RedisError:
        raise Misuse(NO_QUEUE) from None
    if not there:
        raise Misuse("That is not on the list any more.")
    Order.objects.create(kind=Order.Kind.FORGET, target=key[:200], by=by)


def pause(names: Iterable[str], by: User, reason: str) -> int:
    """Let workers take nothing more from these queues; how many were not paused before."""
    wanted = _known(names)
    if not reason.strip():
        raise Misuse("Say why, so that the next on call knows when to resume.")
    why = {"by": by, "reason": reason.strip()[:200]}
    with transaction.atomic():
        # Another may press the same button: who comes second finds the row, and its reason stands.
        new = [name for name in wanted if PausedQueue.objects.get_or_create(name=name, defaults=why)[1]]
        for name in new:
            Order.objects.create(kind=Order.Kind.PAUSE, target=name, by=by)
        _tell(pausing.pause, wanted)
    return len(new)


def resume(names: Iterable[str], by: User) -> int:
    """Let workers take from these queues again; how many were paused."""
    wanted = _known(names)
    with transaction.atomic():
        found = list(PausedQueue.objects.select_for_update().filter(name__in=wanted))
        for row in found:
            row.delete()
            Order.objects.create(kind=Order.Kind.RESUME, target=row.name, by=by)
        _tell(pausing.resume, [row.name for row in found])
    return len(found)


def tell_workers() -> None:
    """Write the set that workers ask as the rows are; Misuse where there is no queue."""
    _tell(pausing.tell, PausedQueue.objects.values_list("name", flat=True))


def _tell(what: Callable[[Redis, Iterable[str]], None], names: Iterable[str]) -> None:
    """Misuse where there is no queue, so that the rows are not changed either."""
    try:
        with connect() as client:
            what(client, names)
    except RedisError:
        raise Misuse(NO_QUEUE) from None


def requeue(queue: str, job_id: str, by: User) -> None:
    """Put a job that failed at the end of its queue once more."""
    _known([queue])
    try:
        FailedJobRegistry(queue=django_rq.get_queue(queue)).requeue(job_id)
    except (NoSuchJobError, InvalidJobOperation):  # another was faster, or it is in another queue
        raise Misuse("That job is not among the failed ones any more.") from None
    except RedisError:
        raise Misuse(NO_QUEUE) from None
    Order.objects.create(kind=Order.Kind.REQUEUE, target=f"{queue}/{job_id}"[:200], by=by)


def _known(names: Iterable[str]) -> list[str]:
    """Each once and in one order, so that no two wait for each other's rows."""
    wanted = set(names)
    if unknown := sorted(wanted - set(settings.QUEUE_ORDER)):
        raise Misuse(f"No queue is called {unknown[0]!r}. Queues: {', '.join(settings.QUEUE_ORDER)}.")
    return [name for name in settings.QUEUE_ORDER if name in wanted]
