"""The bell: an RQ job whose one argument is a part's id. A second ring does nothing: the part has been claimed."""

import django_rq
import structlog
from django.conf import settings
from redis import Redis
from redis.exceptions import RedisError
from rq.exceptions import NoSuchJobError
from rq.job import Job as RqJob
from rq.job import JobStatus

from backoffice.runs.faults import Misuse
from backoffice.runs.models import StepPart
from backoffice.runs.registry import job_named
from backoffice.telemetry.tracing import META

log = structlog.get_logger(__name__)


def ring(part: StepPart) -> bool:
    """Enqueue the part on its job's queue, unless its bell hangs there already. Call it on commit only.

    A queue that cannot be reached at that moment is logged, not raised: `ring_again` makes it up.
    """
    queue = django_rq.get_queue(job_named(part.run.job).queue)
    bell = f"part-{part.pk}-{part.fence}"
    try:
        if _hangs(bell, queue.connection):
            return False
        queue.enqueue(
            "backoffice.runs.kernel.work",
            part.pk,
            job_id=bell,
            description=f"part {part.pk}",
            job_timeout=-1,
            result_ttl=0,
            failure_ttl=86_400,
            meta={META: part.run.traceparent},
        )
    except RedisError as error:
        log.warning("bell_not_rung", part=part.pk, error=type(error).__name__)
        return False
    return True


def _hangs(bell: str, connection: Redis) -> bool:
    """Whether it still is to ring or rings. One whose worker died before it claimed the part is taken down."""
    try:
        job = RqJob.fetch(bell, connection=connection)
    except NoSuchJobError:
        return False
    if job.get_status() not in (JobStatus.FAILED, JobStatus.STOPPED, JobStatus.CANCELED, JobStatus.FINISHED):
        return True
    job.delete()
    return False


def require_queue() -> None:
    """Misuse, in one line, when the queue cannot be reached: asked before a run is created, so nothing is half done."""
    try:
        django_rq.get_connection("default").ping()
    except RedisError as error:
        where = "REDIS_URL" if settings.REDIS_URL else "the bundled queue"
        raise Misuse(
            f"The queue cannot be reached ({where}: {type(error).__name__}). Start Redis, or correct REDIS_URL."
        ) from None
