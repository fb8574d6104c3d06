"""What a button does. Each order is a row, written once the effect is certain; Misuse says why there is none."""

from collections.abc import Iterable

import django_rq
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from redis.exceptions import RedisError
from rq.exceptions import NoSuchJobError
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
        presence.forget(key)
    except RedisError:
        raise Misuse(NO_QUEUE) from None
    Order.objects.create(kind=Order.Kind.FORGET, target=key[:200], by=by)


def pause(names: Iterable[str], by: User, reason: str) -> int:
    """Let workers take nothing more from these queues; how many were not paused before."""
    wanted = _known(names)
    if not reason.strip():
        raise Misuse("Say why, so that the next on call knows when to resume.")
    with transaction.atomic():
        standing = set(PausedQueue.objects.select_for_update().values_list("name", flat=True))
        new = [name for name in wanted if name not in standing]
        for name in new:
            PausedQueue.objects.create(name=name, by=by, reason=reason.strip()[:200])
            Order.objects.create(kind=Order.Kind.PAUSE, target=name, by=by)
        tell_workers()
    return len(new)


def resume(names: Iterable[str], by: User) -> int:
    """Let workers take from these queues again; how many were paused."""
    wanted = _known(names)
    with transaction.atomic():
        found = list(PausedQueue.objects.select_for_update().filter(name__in=wanted))
        for row in found:
            row.delete()
            Order.objects.create(kind=Order.Kind.RESUME, target=row.name, by=by)
        tell_workers()
    return len(found)


def tell_workers() -> None:
    """Write the set that workers ask; Misuse where there is no queue, so that the rows are not changed either."""
    try:
        with connect() as client:
            pausing.tell(client, PausedQueue.objects.values_list("name", flat=True))
    except RedisError:
        raise Misuse(NO_QUEUE) from None


def requeue(queue: str, job_id: str, by: User) -> None:
    """Put a job that failed at the end of its queue once more."""
    _known([queue])
    try:
        registry = FailedJobRegistry(queue=django_rq.get_queue(queue))
        if job_id not in registry:
            raise Misuse("That job is not among the failed ones any more.")
        registry.requeue(job_id)
    except NoSuchJobError:
        raise Misuse("That job is not among the failed ones any more.") from None
    except RedisError:
        raise Misuse(NO_QUEUE) from None
    Order.objects.create(kind=Order.Kind.REQUEUE, target=f"{queue}/{job_id}"[:200], by=by)


def _known(names: Iterable[str]) -> list[str]:
    wanted = list(names)
    if unknown := sorted(set(wanted) - set(settings.QUEUE_ORDER)):
        raise Misuse(f"No queue is called {unknown[0]!r}. Queues: {', '.join(settings.QUEUE_ORDER)}.")
    return wanted
