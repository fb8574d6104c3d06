"""RQ workers of ours: they reap abandoned runs, give their part back on SIGTERM, and outlive a lost queue server.

A worker forks a process for each job (RQ calls it the work horse). Neither the pool nor a worker may compute with
Polars or keep a database connection, for both would be broken in the forked process.
"""

import logging
import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connections
from django_rq.connection_utils import get_connection
from django_rq.queues import get_queues
from opentelemetry.trace import SpanKind
from redis import Redis
from redis.backoff import ExponentialBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq.exceptions import StopRequested
from rq.executions import Execution
from rq.job import Job
from rq.queue import Queue
from rq.worker import Worker
from rq.worker_pool import WorkerData, WorkerPool

from backoffice import pausing
from backoffice.embedded import QueueUnavailable, ensure_queue_server
from backoffice.presence import Presence, flush, run_again
from backoffice.runs import service_time
from backoffice.runs.control import abandon_stale_runs, ring_again
from backoffice.runs.kernel import request_handover
from backoffice.telemetry import tally, tracing

log = structlog.get_logger(__name__)

NAME = "worker"  # of these processes, as the page Processes and the Procfile call them
MAINTENANCE_SECONDS = 30
# With the maintenance above, a killed worker's job is found after 85 s; RQ's own 420 s and 600 s make it many minutes.
WORKER_TTL_SECONDS = 35
# While a job is worked; RQ's own 30 s are longer than backoffice.presence waits for a word.
MONITORING_SECONDS = 10
# How often a lost queue server is tried again, by at most 5 s apart: about ten minutes.
QUEUE_RETRIES = 120


class _Backoff(ExponentialBackoff):
    """Waits 0.05 s, then twice as long each time up to 5 s; after 3 s says so, and starts the bundled server again."""

    def __init__(self) -> None:
        super().__init__(cap=5.0, base=0.05)

    def compute(self, failures: int) -> float:
        if failures == 5:
            log.warning("queue_lost")
            if not settings.REDIS_URL:
                with suppress(QueueUnavailable):
                    ensure_queue_server()
        return super().compute(failures)


class _Patience(Retry):
    """Shared by all connections of a worker, so that a stop shortens what is being waited for."""

    def __init__(self) -> None:
        super().__init__(_Backoff(), QUEUE_RETRIES)

    def __deepcopy__(self, memo: dict[int, Any]) -> "_Patience":
        return self


class NightWorker(Worker):
    """RQ's worker with the habits above; start it with `manage.py work`.

    A signal only sets a flag, which the loop reads where it has no job in hand: RQ raises from the signal handler, and
    so loses a job that it has just taken from the queue.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("maintenance_interval", MAINTENANCE_SECONDS)
        kwargs.setdefault("worker_ttl", WORKER_TTL_SECONDS)
        kwargs.setdefault("job_monitoring_interval", MONITORING_SECONDS)
        self._patience = _Patience()
        self.presence = Presence(name=NAME, on_restart=self.handle_warm_shutdown_request)
        super().__init__(*args, **kwargs)

    @property
    def asked_to_stop(self) -> bool:
        """Whether a signal has asked the worker to end."""
        return self._shutdown_requested_date is not None

    @property
    def dequeue_timeout(self) -> int:
        """Seconds that one BLPOP waits, and with it the longest that an idle worker takes to stop."""
        return 1

    @property
    def should_run_maintenance_tasks(self) -> bool:
        """Asked in each round before a job is taken, so this is where an idle worker stops."""
        self.presence.say()
        if self.asked_to_stop or self.presence.restarting:
            raise StopRequested
        return bool(super().should_run_maintenance_tasks)

    def run_maintenance_tasks(self) -> None:
        """At the start and every 30 s: RQ's registries, runs whose worker is gone, parts whose bell was lost."""
        super().run_maintenance_tasks()  # type: ignore[no-untyped-call]
        try:
            abandon_stale_runs()
            ring_again()
        except (DatabaseError, InterfaceError) as error:
            log.error("maintenance_failed", error=type(error).__name__)
        finally:
            connections.close_all()

    def maintain_heartbeats(self, *args: Any, **kwargs: Any) -> None:
        super().maintain_heartbeats(*args, **kwargs)
        self.presence.say()

    def register_death(self) -> None:
        super().register_death()  # type: ignore[no-untyped-call]
        self.presence.leave()

    def bootstrap(self, *args: Any, **kwargs: Any) -> None:
        self._install_signal_handlers()  # type: ignore[no-untyped-call] # before the birth is registered: who is registered says good-bye
        super().bootstrap(settings.LOG_LEVEL)

    def fork_work_horse(self, job: Job, queue: Queue) -> None:
        super().fork_work_horse(job, queue)
        if self._stop_requested:  # the signal came before the horse had a number
            self.handle_warm_shutdown_request()

    def perform_job(self, job: Job, queue: Queue, execution: Execution) -> bool:
        """In the horse, in the trace of what has enqueued the job."""
        began = time.monotonic()
        parent = str(job.get_meta(refresh=False).get(tracing.META, ""))
        name, attributes = f"job {(job.func_name or '').rpartition('.')[2]}", {"nightward.queue": queue.name}
        try:
            with tracing.span(name, kind=SpanKind.CONSUMER, parent=parent, attributes=attributes) as current:
                done = super().perform_job(job, queue, execution)
                if not done:
                    tracing.failed(current, "failed")
                return done
        finally:
            self._hand_over(queue.name, time.monotonic() - began)

    def _finalize_failure(self, job: Job, queue: Queue, execution: Execution, exc_info: Any) -> None:
        """RQ logs the exception and keeps it in Redis: one of the same name without words, which may be a patient's."""
        kind, _, through = exc_info
        silent = type(kind.__name__, (Exception,), {"__module__": kind.__module__})
        super()._finalize_failure(job, queue, execution, (silent, silent(), through))

    def _hand_over(self, queue: str, seconds: float) -> None:
        """What is to be told of a job, before the horse leaves by os._exit: its time, trace, counts and log lines."""
        service_time.note(self.connection, service_time.of_queue(queue), 1, seconds)
        tracing.flush()
        tally.flush()
        with suppress(RedisError):
            flush(NAME, self.connection)

    def setup_work_horse_signals(self) -> None:
        """In the horse: SIGTERM gives the part back after the present chunk; Ctrl-C is the worker's to judge."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda signum, frame: request_handover())
        if self._stop_requested:  # the signal came before this handler stood
            request_handover()

    def handle_warm_shutdown_request(self) -> None:
        """Pass the signal on to the horse; not to its process group, which is our own until the horse has left it."""
        if self.horse_pid:
            with suppress(ProcessLookupError):
                os.kill(self.horse_pid, signal.SIGTERM)

    def _shutdown(self) -> None:
        self._stop_requested = True
        self._patience.update_retries(3)  # who is to end does not wait ten minutes for the queue

    def _start_scheduler(self, *args: Any, **kwargs: Any) -> None:
        """None: what is due later is a row and a command of cron's, which both outlive a lost queue."""

    def _set_connection(self, connection: Redis) -> Redis:
        """Every command waits for a lost queue server, the pub/sub thread's and the horse's as well."""
        connection = super()._set_connection(connection)
        connection.set_retry(self._patience)
        return connection


class NightPool(WorkerPool):
    """RQ's pool, which puts another worker in the place of one that ended, and says so unless it was to begin again."""

    def handle_dead_worker(self, worker_data: WorkerData) -> None:
        super().handle_dead_worker(worker_data)
        if self.status != self.Status.STOPPED and worker_data.process.exitcode != 0:
            log.error("worker_ended", pid=worker_data.pid, status=worker_data.process.exitcode)


def serve_queues(names: Sequence[str], *, workers: int) -> bool:
    """Work the queues, the first named first, until a signal asks to stop; False when it ended for another reason."""
    logging.getLogger("rq.worker").setLevel(settings.LOG_LEVEL)  # RQ speaks before it asks for the level
    connection = get_connection()
    queues = get_queues(*names, connection=connection, queue_class=pausing.PausableQueue)
    connections.close_all()
    if workers > 1:
        pool = NightPool(queues, connection, workers, NightWorker, queue_class=pausing.PausableQueue)
        pool.start(logging_level=settings.LOG_LEVEL)
        return True
    worker = NightWorker(queues, connection=connection, queue_class=pausing.PausableQueue)
    try:
        worker.work()
    except RedisError:
        if not worker.asked_to_stop:
            raise
    if worker.presence.restarting and not worker.asked_to_stop:
        run_again()
    return worker.asked_to_stop
