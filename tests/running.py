"""Runs in the test's own process, instead of a worker's."""

from typing import Any

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
