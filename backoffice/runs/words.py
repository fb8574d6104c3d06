"""What a run's status says to people, and what to do about it."""

from dataclasses import dataclass
from typing import Any

from backoffice.formats import count, words
from backoffice.runs.faults import WrongUse
from backoffice.runs.job import Job
from backoffice.runs.models import Run, RunStatus


@dataclass(frozen=True, slots=True)
class Said:
    """tone: good, bad, warn, busy, calm: chooses the colour, never the only sign."""

    title: str
    tone: str
    advice: str


STATUS = {
    RunStatus.QUEUED: Said(
        "Queued", "busy", "It waits for a worker. If it waits long, see whether one serves its queue."
    ),
    RunStatus.RUNNING: Said("Running", "busy", "It may be stopped at any time, and later goes on where it was."),
    RunStatus.STOPPING: Said("Stopping", "warn", "It stops after the present chunk."),
    RunStatus.STOPPED: Said("Stopped", "warn", "Restart it to go on where it was; what is done is not done again."),
    RunStatus.COMPLETE: Said("Complete", "good", "Everything read has an outcome, and the figures balance."),
    RunStatus.FAILED: Said("Failed", "bad", "Put right what is named here, then restart it: it goes on where it was."),
    RunStatus.ERRORED: Said("Errored", "bad", "Restart it. If it comes again, give the correlation id to an engineer."),
    RunStatus.ABANDONED: Said("Abandoned", "bad", "Its worker was lost. Restart it: it goes on after its last commit."),
}

WRONG_USE = Said(
    "Failed", "bad", "It did nothing. Start another run with what is said here; a restart asks for the same."
)


def said(run: Run) -> Said:
    """The words for the run's status. A complete run with failed items still needs somebody to look at them."""
    return WRONG_USE if run.reason == WrongUse.reason else STATUS[RunStatus(run.status)]


def parameters_said(job: Job, run: Run) -> dict[str, str]:
    """The run's parameters by title: in the job's own words where it has any."""
    if job.in_words is not None:
        return job.in_words(run.parameters)
    return {words(name).capitalize(): _value_said(value) for name, value in run.parameters.items()}


def _value_said(value: Any) -> str:
    """A long list by its length; an object by its keys."""
    if isinstance(value, dict):
        return ", ".join(f"{words(name)}: {_value_said(each)}" for name, each in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value)) if len(value) <= 5 else count(len(value), "item")
    return str(value)
