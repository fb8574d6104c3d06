"""Where a run's status changes, and where its next step begins.

State moves by compare-and-set: an update that names the state it expects, and a look at the count. Locks are taken in
one order, the run before its parts.
"""

from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from backoffice.runs.bell import ring
from backoffice.runs.models import LIVE, Run, RunStatus, StepPart, StepState, StepStatus


def move(run: Run, expected: tuple[RunStatus, ...], status: RunStatus, **changes: Any) -> bool:
    """The one place where a run's status changes."""
    if status not in LIVE:
        changes["ended_at"] = timezone.now()
    moved = Run.objects.filter(pk=run.pk, status__in=expected).update(status=status, **changes)
    run.refresh_from_db(fields=("status", "reason", "detail", "ended_at", "started_at"))
    return bool(moved)


def lock(run: Run) -> Run:
    """The run's row, locked to the end of the transaction, always before a part's: one order, no deadlock.

    Without its key, so that rows which point to the run can be written meanwhile. SQLite's transactions are immediate.
    """
    return Run.objects.select_for_update(no_key=True).get(pk=run.pk)


def waiting_parts() -> "QuerySet[StepPart]":
    """Parts that a worker may claim: pending, of a live run, in a step that has begun."""
    return StepPart.objects.filter(
        status=StepStatus.PENDING,
        step__status=StepStatus.RUNNING,
        run__status__in=(RunStatus.QUEUED, RunStatus.RUNNING),
    ).select_related("step", "run")


def begin_next_step(run: Run) -> bool:
    """Begin the first step that is not complete and ring its parts on commit; False when there is none."""
    states = list(StepState.objects.filter(chain=run.chain))
    state = next((state for state in states if state.status != StepStatus.COMPLETE), None)
    if state is None:
        return False
    seen = {earlier.name: earlier.restart_count for earlier in states if earlier.sequence < state.sequence}
    StepState.objects.filter(pk=state.pk).update(
        status=StepStatus.RUNNING, predecessors=seen, started_at=state.started_at or timezone.now(), ended_at=None
    )
    state.parts.exclude(status=StepStatus.COMPLETE).update(run=run, status=StepStatus.PENDING)
    if not run.attended:
        for part in state.parts.filter(status=StepStatus.PENDING).select_related("run"):
            transaction.on_commit(partial(ring, part))
    return True
