"""The queues as they stand: how many jobs wait, since when, and who serves them."""

from datetime import UTC, datetime
from typing import Any

import django_rq
from django.conf import settings
from django.utils import timezone
from redis.exceptions import RedisError
from rq import Worker
from rq.job import Job as RqJob

from backoffice.runs.registry import JOBS, job_named


def queues() -> list[dict[str, Any]] | None:
    """Those that are used or not empty; None: no queue server."""
    used = {job_named(name).queue for name in JOBS}
    try:
        rows = all_queues()
    except RedisError:
        return None
    return [row for row in rows if row["depth"] or row["name"] in used]


def all_queues() -> list[dict[str, Any]]:
    """Of each: name, depth, workers, and how many seconds its oldest job has waited, None where none waits.

    RedisError where the server does not answer.
    """
    workers = Worker.all(connection=django_rq.get_connection("default"))
    serving = [set(worker.queue_names()) for worker in workers]
    return [_queue(name, serving) for name in settings.QUEUE_ORDER]


def _queue(name: str, serving: list[set[str]]) -> dict[str, Any]:
    queue = django_rq.get_queue(name)
    first = queue.get_job_ids(0, 1)
    job = RqJob.fetch_many(first, connection=queue.connection)[0] if first else None
    oldest = _aware(job.enqueued_at) if job and job.enqueued_at else None
    return {
        "name": name,
        "depth": queue.count,
        "workers": sum(name in names for names in serving),
        "oldest": (timezone.now() - oldest).total_seconds() if oldest else None,
    }


def _aware(at: datetime) -> datetime:
    # RQ writes UTC, with or without saying so.
    return at if at.tzinfo else at.replace(tzinfo=UTC)
