"""The one list of what runs. Procfile, compose file and manifests are written from it: `manage.py render_deploy`."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import Enum

from django.conf import settings

from backoffice.serving import GUNICORN
from clinic.events.consumers import Consumer, consumers

MANAGE = ("python", "manage.py")
PORT = 8000
# Ten workers in every environment [S3-01], in two halves, so that one machine that fails leaves five.
WORKERS, WORKER_PODS = 10, 2
# A job that is asked to end gives its part back after the present chunk, whose remote calls have time-outs.
CHUNK_SECONDS = 90
# At how many jobs in a queue one more worker is worth its start; parts of a night are few and long.
JOBS_PER_WORKER = {"processors": 2, "uploads": 2}
USUAL_JOBS_PER_WORKER = 20
# At how many events that nobody has taken yet another replica is; a replica takes twenty at a time.
EVENTS_PER_REPLICA = 100
MOST_BURST_WORKERS, MOST_REPLICAS = 5, 6


class Place(Enum):
    """Where a process is meant to run beside Kubernetes, which has all of them."""

    EVERYWHERE = "everywhere"
    KUBERNETES = "kubernetes"


@dataclass(frozen=True, kw_only=True, slots=True)
class Process:
    """One kind of process. `least` and `most`: how many replicas; the same where it is not scaled.

    `memory` and `cpu` are limits in Kubernetes' words. `grace`: seconds from SIGTERM to its end. `queue` or `consumer`:
    whose length, or lag, scales it, one more for each `per` of it. `review`: when one that is off is decided about.
    """

    name: str
    title: str
    command: tuple[str, ...]
    least: int = 1
    most: int = 1
    memory: str = "512Mi"
    cpu: str = "500m"
    grace: int = 30
    queue: str = ""
    consumer: str = ""
    per: int = 0
    place: Place = Place.EVERYWHERE
    review: date | None = None

    @property
    def listens(self) -> bool:
        return self.name == "web"


# Gunicorn reads PORT and WEB_CONCURRENCY itself. Its workers' heartbeat is in memory, as the disk may be read-only.
WEB = Process(
    name="web", title="Pages and the API", least=2, most=10, memory="1Gi", cpu="1", grace=30,
    command=(*GUNICORN, "--graceful-timeout", "20", "--worker-tmp-dir", "/dev/shm"),  # noqa: S108 (gunicorn's advice)
)  # fmt: skip
PUBLISHER = Process(
    name="publisher", title="The publisher of events, which sets jobs off", least=2, most=2,
    command=(*MANAGE, "publish_events", "--every", "1"),
)  # fmt: skip
CRON = Process(name="cron", title="The clock: what cron would start", command=(*MANAGE, "run_schedule"), grace=60)
MIGRATE = (*MANAGE, "migrate", "--no-input")


def worker(pods: int) -> Process:
    """The pool: every queue in its order [S3-01], in `pods` equal shares of the ten workers."""
    share = WORKERS // pods
    return Process(
        name="worker", title="Workers of all queues", command=(*MANAGE, "work", "--workers", str(share)),
        least=pods, most=pods, memory="6Gi", cpu="4", grace=CHUNK_SECONDS,
    )  # fmt: skip


def burst_worker(queue: str) -> Process:
    """Further workers for one queue while it is long; none where it is not."""
    return Process(
        name=f"worker-{queue}", title=f"Workers while the queue {queue} is long", queue=queue, least=0,
        command=(*MANAGE, "work", "--queues", queue), most=MOST_BURST_WORKERS,
        memory="3Gi" if queue == "processors" else "512Mi", cpu="1", grace=CHUNK_SECONDS,
        per=JOBS_PER_WORKER.get(queue, USUAL_JOBS_PER_WORKER), place=Place.KUBERNETES,
    )  # fmt: skip


def replica_of(consumer: Consumer) -> Process:
    """A consumer has the replicas that it asks for itself; one that is off has none, and can be scaled up to try it."""
    although = () if consumer.on else ("--although-off",)
    return Process(
        name=f"consumer-{consumer.name}", title=consumer.title, consumer=consumer.name, per=EVENTS_PER_REPLICA,
        command=(*MANAGE, "consume", consumer.name, *although),
        least=consumer.replicas, most=MOST_REPLICAS if consumer.on else 0, review=consumer.review,
    )  # fmt: skip


def processes(*, worker_pods: int = 1) -> Iterator[Process]:
    """All that runs for as long as the system does."""
    yield WEB
    yield worker(worker_pods)
    for queue in settings.QUEUE_ORDER:
        yield burst_worker(queue)
    yield PUBLISHER
    for consumer in consumers():
        yield replica_of(consumer)
    yield CRON


def on_one_machine() -> list[Process]:
    """Those of a Procfile and of the compose file."""
    return [process for process in processes() if process.place is Place.EVERYWHERE]


def in_kubernetes() -> list[Process]:
    """Those that are Deployments: CronJobs are the clock there."""
    return [process for process in processes(worker_pods=WORKER_PODS) if process is not CRON]
