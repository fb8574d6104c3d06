"""The queues as they stand: how many jobs wait, since when, and who serves them."""

from dataclasses import dataclass
from datetime import datetime

import django_rq
from django.conf import settings
from django.utils import timezone
from redis.exceptions import RedisError
from rq import Worker
from rq.job import Job as RqJob

from backoffice.runs.registry import JOBS, job_named


@dataclass(frozen=True, kw_only=True, slots=True)
class Queue:
    """A queue now. `oldest`: when the first job that waits came."""

    name: str
    waiting: int
    workers: int
    oldest: datetime | None

    @property
    def waited(self) -> float | None:
        """Seconds, of its oldest job; None where none waits."""
        return (timezone.now() - self.oldest).total_seconds() if self.oldest else None


def queues() -> list[Queue] | None:
    """Those that are used or not empty; None: no queue server."""
    used = {job_named(name).queue for name in JOBS}
    try:
        return [queue for queue in all_queues() if queue.waiting or queue.name in used]
    except RedisError:
        return None


def all_queues() -> list[Queue]:
    """In their order; RedisError where the server does not answer."""
    workers = Worker.all(connection=django_rq.get_connection("default"))
    serving = [set(worker.queue_names()) for worker in workers]
    return [_queue(name, serving) for name in settings.QUEUE_ORDER]


def _queue(name: str, serving: list[set[str]]) -> Queue:
    queue = django_rq.get_queue(name)
    first = queue.get_job_ids(0, 1)
    job = RqJob.fetch_many(first, connection=queue.connection)[0] if first else None
    return Queue(
        name=name, waiting=queue.count, workers=sum(name in names for names in serving),
        oldest=job.enqueued_at if job else None,
    )  # fmt: skip
