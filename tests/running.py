"""Runs in the test's own process, instead of a worker's."""

import threading
from collections.abc import Callable
from typing import Any

from django.db import connections

from backoffice.runs.control import restart_run, start_run
from backoffice.runs.kernel import work
from backoffice.runs.models import Run
from backoffice.runs.state import waiting_parts
from regions.models import Region


def start(job: str, region: Region | None, /, **parameters: Any) -> Run:
    """A new chain of the job, of which nothing is done yet."""
    return start_run(job, region=region, parameters=parameters, attended=True)


def go_on(run: Run, from_step: str = "") -> Run:
    """The next attempt of the run's chain, worked to its end."""
    return finish(restart_run(run, attended=True, from_step=from_step))


def finish(run: Run) -> Run:
    """The run when nothing of it waits to be worked any more, however it ended."""
    while part := waiting_parts().filter(run=run).first():
        work(part.pk)
    run.refresh_from_db()
    return run


def at_once(does: Callable[[], str], threads: int) -> list[str]:
    """What each of so many threads says that do it at the same time, each over connections of its own; sorted."""
    said: list[str] = []

    def one() -> None:
        try:
            said.append(does())
        finally:
            connections.close_all()

    started = [threading.Thread(target=one) for _ in range(threads)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join(60)
    return sorted(said)
