"""A chain that was undone to its end: nothing that it wrote is left, and its next attempt may be divided otherwise."""

from django.db.models import Max

from backoffice.runs.job import Job
from backoffice.runs.models import Run, RunStatus, StepPart, StepState

UNDONE = "undone"


def is_undone(last: Run) -> bool:
    """Whether the chain, whose last attempt this is, is; one whose undo broke off half way is not."""
    if (last.status, last.reason) != (RunStatus.STOPPED, UNDONE):
        return False
    return not StepPart.objects.filter(step__chain=last.chain, undo=True).exists()


def divide_anew(job: Job, run: Run) -> None:
    """Give each step of an undone chain as many parts as the run's parameters say.

    A new part begins above the fences of the old ones: files carry the fence of their writer, and a worker that has
    only slept may still hold an old one.
    """
    for state, step in zip(StepState.objects.filter(chain=run.chain), job.steps, strict=True):
        wanted = step.partitions(run.parameters)
        if state.parts.count() == wanted:
            continue
        fence = (state.parts.aggregate(highest=Max("fence"))["highest"] or 0) + 1
        state.parts.all().delete()
        StepPart.objects.bulk_create(
            StepPart(step=state, run=run, partition=number, fence=fence) for number in range(wanted)
        )
        StepState.objects.filter(pk=state.pk).update(remaining=wanted)
