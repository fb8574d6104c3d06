"""How the system stands: what should run and what does, the queues, the jobs that failed, what happened last."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import django_rq
from django.conf import settings
from django.utils.module_loading import import_string
from rq.job import Job as RqJob
from rq.registry import FailedJobRegistry

from backoffice import presence
from backoffice.access import ACCOUNTS, AnyUser, may, region_ids
from backoffice.deploy.crontab import AS_WORKERS
from backoffice.deploy.processes import CRON, on_one_machine, processes
from backoffice.deploy.processes import Process as Meant
from backoffice.formats import words
from backoffice.monitor.queues import Queue, all_queues
from backoffice.operations.models import Order, PausedQueue
from backoffice.presence import Process
from backoffice.runs.models import RESTARTABLE, Alert, Run
from backoffice.runs.repeating import Twice, twice_of
from clinic.care.models import CommandState

LAST, MOST_FAILED = 20, 100
COMMANDS_SEEN = timedelta(minutes=20)
NONE: Mapping[str, datetime] = {}
SORTS: dict[str, Callable[[Process], Any]] = {
    "name": lambda one: (one.name, one.started),
    "memory": lambda one: -one.memory,
    "cpu": lambda one: -one.load(),
    "age": lambda one: one.started,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Stand:
    """One kind of process: how many of `meant` run, what they take together, and since when the oldest does.

    `elsewhere`: something that is no process of ours does its work, as cron or CronJobs do the clock's.
    """

    meant: Meant
    here: int
    memory: int
    load: float
    since: datetime | None
    left: datetime | None = None
    elsewhere: bool = False

    @property
    def on(self) -> bool:
        return self.meant.least > 0

    @property
    def mib(self) -> float:
        return self.memory / 2**20

    @property
    def short(self) -> bool:
        return self.here < self.meant.least and not self.elsewhere


def stands(found: list[Process], now: datetime, left: Mapping[str, datetime] = NONE) -> list[Stand]:
    """Of each kind that should run, those that are off included."""
    kinds = {meant.name: meant for meant in [*on_one_machine(), *(one for one in processes() if one.consumer)]}
    made = []
    for meant in kinds.values():
        here = [one for one in found if one.name == meant.name and one.here(now)]
        made.append(
            Stand(
                meant=meant, here=len(here), memory=sum(one.memory for one in here),
                load=sum(one.load() for one in here), since=min((one.started for one in here), default=None),
                left=left.get(meant.name), elsewhere=not here and meant is CRON and others_start_commands(now),
            )
        )  # fmt: skip
    return made


def others_start_commands(now: datetime) -> bool:
    """Whether one of the schedule's commands began lately. The silence of each has an alert of its own."""
    began = CommandState.objects.filter(began_at__gt=now - COMMANDS_SEEN).exclude(command__in=AS_WORKERS)
    return began.exists()


def meant_to_run() -> set[str]:
    """The names of what is on."""
    return {meant.name for meant in processes() if meant.least > 0}


def active_names(found: list[Process], now: datetime) -> list[str]:
    """What "restart all that is active" means: all that runs, but never a consumer that is off [S4-22]."""
    off = {each.meant.name for each in stands(found, now) if not each.on}
    return sorted({one.name for one in found if one.here(now)} - off)


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueStand(Queue):
    """Also of its jobs that do not wait, and whether it is paused."""

    in_hand: int
    failed: int
    paused: PausedQueue | None


def queue_stands() -> list[QueueStand]:
    """In their order; RedisError where there is no queue."""
    paused = {row.name: row for row in PausedQueue.objects.select_related("by")}
    return [_stand(queue, paused.get(queue.name)) for queue in all_queues()]


def _stand(queue: Queue, paused: PausedQueue | None) -> QueueStand:
    of_rq = django_rq.get_queue(queue.name)
    return QueueStand(
        **asdict(queue), in_hand=of_rq.started_job_registry.count, failed=of_rq.failed_job_registry.count, paused=paused
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class FailedJob:
    """A job that ended badly. `error` is a class, never a message; `twice`: what happens when it comes twice, None if
    nobody says."""

    queue: str
    id: str
    what: str
    argument: str
    ended: datetime | None
    error: str
    twice: Twice | None


def failed_jobs() -> list[FailedJob]:
    """The newest of each queue."""
    return [job for name in settings.QUEUE_ORDER for job in _failed(name)]


def _failed(name: str) -> Iterator[FailedJob]:
    queue = django_rq.get_queue(name)
    ids = FailedJobRegistry(queue=queue).get_job_ids(0, MOST_FAILED, desc=True)
    for job in RqJob.fetch_many(ids, connection=queue.connection):
        if job is not None:
            what = job.func_name or ""
            yield FailedJob(
                queue=name, id=job.id, what=what, ended=job.ended_at, error=_error_of(job),
                argument=", ".join(str(one) for one in job.args if isinstance(one, int)), twice=_twice(what),
            )  # fmt: skip


def _twice(name: str) -> Twice | None:
    with suppress(ImportError):  # of an older release
        import_string(name)
    return twice_of(name)


def _error_of(job: RqJob) -> str:
    result = job.latest_result()
    last = (result.exc_string or "").strip().splitlines()[-1:] if result else []
    return last[0].split(":")[0].rpartition(".")[2][:60] if last else "its worker ended"


@dataclass(frozen=True, kw_only=True, slots=True)
class Happened:
    """One of the last events. `tone`: good, warn or nothing."""

    at: datetime
    what: str
    tone: str = ""


def last_events(user: AnyUser) -> list[Happened]:
    """Orders, alerts and runs that ended badly, the newest first; alerts and runs of the user's regions [S4-23]."""
    alerts, runs = Alert.objects.all(), Run.objects.filter(status__in=RESTARTABLE, ended_at__isnull=False)
    if not may(user, ACCOUNTS):
        regions = region_ids(user)
        alerts = alerts.filter(region=None) | alerts.filter(region__in=regions)
        runs = runs.filter(region=None) | runs.filter(region__in=regions)
    found = [
        *(Happened(at=one.raised_at, what=one.message, tone="warn") for one in alerts.order_by("-raised_at")[:LAST]),
        *(
            Happened(at=one.cleared_at, what=f"Over: {one.message}", tone="good")
            for one in alerts.exclude(cleared_at=None).order_by("-cleared_at")[:LAST]
            if one.cleared_at
        ),
        *(
            Happened(at=one.ended_at, what=f"Run {one.pk} ({words(one.job)}) {one.status}", tone="warn")
            for one in runs.order_by("-ended_at")[:LAST]
            if one.ended_at
        ),
        *(
            Happened(at=one.at, what=f"{one.get_kind_display().capitalize()}: {one.target}, by {one.by or 'nobody'}")
            for one in Order.objects.select_related("by")[:LAST]
        ),
    ]
    return sorted(found, key=lambda one: one.at, reverse=True)[:LAST]


def sorted_by(found: list[Process], name: str) -> list[Process]:
    return sorted(found, key=SORTS.get(name, SORTS["name"]))


def seen() -> list[Process]:
    """All that were seen within a day; RedisError where there is no queue."""
    return presence.processes()
