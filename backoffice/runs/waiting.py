"""--wait: watch a run to its end, and work it in this process when no worker serves its queue."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import FrameType

import django_rq
from django.db import DatabaseError, InterfaceError, connection
from redis.exceptions import RedisError
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rq import Worker

from backoffice.runs.control import stop_run
from backoffice.runs.faults import Misuse
from backoffice.runs.kernel import work
from backoffice.runs.models import TERMINATED, Run
from backoffice.runs.registry import job_named
from backoffice.runs.report import run_report
from backoffice.runs.state import waiting_parts

WORKER_ALIVE = timedelta(seconds=60)
POLL_SECONDS = 0.3


class Stopping(threading.Event):
    """Set by a signal; by which, it says."""

    signal: int | None = None


def queue_is_served(name: str) -> bool:
    """Whether a worker that listens to the queue was heard of within a minute; False where there is no queue server."""
    try:
        workers = Worker.all(queue=django_rq.get_queue(name))
    except RedisError:
        return False
    since = datetime.now(UTC) - WORKER_ALIVE
    return any(worker.last_heartbeat and worker.last_heartbeat > since for worker in workers)


def wait_for(run: Run, *, progress: bool) -> None:
    """Return when the run has ended. An attended run is worked here; Ctrl-C and SIGTERM stop it after the chunk."""
    stopping = Stopping()
    with _signals_set(stopping):
        watcher = threading.Thread(target=_watch, args=(run.pk, stopping, progress), name="watch", daemon=True)
        watcher.start()
        while watcher.is_alive():
            _work_here(run)
            watcher.join(POLL_SECONDS)


def _work_here(run: Run) -> None:
    """Work the run's waiting parts: an attended run's, and those of a queue whose last worker has gone."""
    while part := waiting_parts().filter(run=run).first():
        if not run.attended and queue_is_served(job_named(run.job).queue):
            return
        work(part.pk)


def _watch(run_id: int, stopping: Stopping, progress: bool) -> None:
    """In a thread with its own connection: show committed counters, pass on a stop, return when the run has ended."""
    asked = False
    try:
        with _bar(progress) as bar:
            while True:
                try:
                    run = Run.objects.select_related("region").get(pk=run_id)
                except (DatabaseError, InterfaceError):
                    connection.close()
                    time.sleep(POLL_SECONDS)
                    continue
                if bar is not None:
                    _show(bar, run)
                if not run.live:
                    return
                if stopping.is_set() and not asked:
                    asked = True
                    _ask_to_stop(run, stopping)
                time.sleep(POLL_SECONDS)
    finally:
        connection.close()


def _ask_to_stop(run: Run, stopping: Stopping) -> None:
    """Who presses Ctrl-C knows; of what a time limit or an eviction ends, nobody does but by an alert."""
    try:
        if stopping.signal == signal.SIGTERM:
            stop_run(run, reason=TERMINATED, detail=f"SIGTERM ended its command: restart_run {run.pk} goes on.")
        else:
            stop_run(run)
    except Misuse:
        return  # it has just ended by itself


@contextmanager
def _bar(wanted: bool) -> Iterator[Progress | None]:
    if not wanted:
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        bar.add_task("queued", total=1.0)
        yield bar


def _show(bar: Progress, run: Run) -> None:
    report = run_report(run)
    shown = report["progress"]
    rate = f", {shown['rate_per_second']:,.0f}/s" if shown["rate_per_second"] else ""
    text = f"{run.job} {run.key}: {shown['label'] or run.status}, {report['read']:,} read{rate}"
    bar.update(bar.task_ids[0], completed=shown["share"], description=text)


@contextmanager
def _signals_set(stopping: Stopping) -> Iterator[None]:
    """Ctrl-C and SIGTERM set the event; a second one acts as it always does. Only the main thread can do this."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def stop(number: int, frame: FrameType | None) -> None:
        stopping.signal = number
        stopping.set()
        for each, handler in before.items():
            signal.signal(each, handler)

    for number in before:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
