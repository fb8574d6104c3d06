"""Jobs of the queue "notifications"; each argument is one id, and each may come twice.

A job that is lost costs nothing: send_notifications looks for what is due every minute.
"""

import django_rq
from rq.exceptions import DuplicateJobError, NoSuchJobError
from rq.job import Job as RqJob
from rq.job import JobStatus

from backoffice.runs.repeating import maybe_sent, safe_to_repeat
from clinic.events.models import Outbox
from clinic.events.outbox import event_of
from clinic.notices.consumer import handle
from clinic.notices.offering import OFFERED
from clinic.notices.sending import due, send_due
from regions.models import Region

QUEUE = "notifications"
PER_JOB, MOST_JOBS = 50, 8


@safe_to_repeat(maybe_sent("a message is planned once, and what may have been sent is not sent again"))
def tell_of_event(number: int) -> None:
    """Plan what an event of an appointment or an offer calls for, and send what is due of it."""
    row = Outbox.objects.select_related("region").filter(pk=number).first()
    if row is None:
        return
    handle(event_of(row))
    if row.type == OFFERED:
        send_due(row.region, waiting=row.data["entry"])
    else:
        send_due(row.region, appointment=row.data["appointment"])


@safe_to_repeat(maybe_sent("what may have been sent is not sent again"))
def send_region(region: int) -> None:
    """Send what is due of the region."""
    send_due(Region.objects.get(pk=region))


def enqueue_sending(region: Region) -> int:
    """As many jobs as what is due asks for; how many were enqueued. Those that still wait are not doubled."""
    wanted = min(MOST_JOBS, -(-due(region).count() // PER_JOB)) or 1
    return sum(_enqueue(region, number) for number in range(wanted))


def _enqueue(region: Region, number: int) -> bool:
    queue, name = django_rq.get_queue(QUEUE), f"notices-{region.pk}-{number}"
    try:
        job = RqJob.fetch(name, connection=queue.connection)
        if job.get_status() in (JobStatus.QUEUED, JobStatus.STARTED):
            return False
        job.delete()
    except NoSuchJobError:
        pass
    try:
        queue.enqueue(
            "clinic.notices.jobs.send_region", region.pk, job_id=name, unique=True, job_timeout=-1, result_ttl=0,
            description=f"notifications of region {region.pk}", failure_ttl=86_400,
        )  # fmt: skip
    except DuplicateJobError:  # another command was faster
        return False
    return True
