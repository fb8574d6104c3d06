"""What people and programs ask of a run: start, stop, restart; and the reaper of runs whose worker was lost."""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Max, Q
from django.utils import timezone

from backoffice.audit import record_change
from backoffice.runs.bell import require_queue, ring
from backoffice.runs.faults import Misuse
from backoffice.runs.job import Job, Json
from backoffice.runs.models import (
    LIVE,
    RESTARTABLE,
    STOPPED_BY_HAND,
    Run,
    RunStatus,
    StepPart,
    StepState,
    StepStatus,
)
from backoffice.runs.parameters import gone_on_with
from backoffice.runs.registry import job_named
from backoffice.runs.reopening import reopening
from backoffice.runs.state import begin_next_step, lock, move, waiting_parts
from backoffice.runs.undone import UNDONE, divide_anew, is_undone
from backoffice.telemetry import tracing

if TYPE_CHECKING:
    from django.contrib.auth.models import User

log = structlog.get_logger(__name__)

# A part that has done nothing yet.
CLEARED: Json = {
    "status": StepStatus.PENDING, "checkpoint": None, "checkpoint_number": 0, "read": 0, "outcomes": {}, "totals": {},
    "digest": "", "done": 0, "seconds": 0, "commit_seconds": 0,
}  # fmt: skip


class AlreadyComplete(Exception):
    """The job is done once for each key, and it has been done by `run`. Exit status 0, HTTP 200."""

    def __init__(self, run: Run) -> None:
        super().__init__(f"{run.job} for {run.key} is complete, nothing to do: run {run.pk}.")
        self.run = run


class AlreadyRunning(Exception):
    """The job and key have a live run; it is `run`. Exit status 75, HTTP 409."""

    def __init__(self, run: Run) -> None:
        super().__init__(f"{run.job} for {run.key} is already {run.status}: run {run.pk}.")
        self.run = run


def start_run(
    job_name: str, *, region: Any, parameters: Json, user: "User | None" = None, attended: bool = False
) -> Run:
    """Begin a new chain and ring its first step's parts on commit; an attended one is worked by the caller.

    Raises Misuse for parameters that the job refuses, AlreadyRunning when the job and key have a live run. A job that
    is done once for each key continues its last run instead, or raises AlreadyComplete.
    """
    job = job_named(job_name)
    stored = job.parameters(region, parameters)
    if not attended:
        require_queue()
    abandon_stale_runs()
    if job.once and (last := Run.objects.filter(job=job.name, key=job.key(region, stored)).first()):
        if last.status == RunStatus.COMPLETE:
            raise AlreadyComplete(last)
        going_on = gone_on_with(last, stored, parameters)
        return restart_run(last, user=user, attended=attended, parameters=going_on)
    return _create_run(
        job,
        Run(
            job=job.name, key=job.key(region, stored), region=region, parameters=stored,
            exclusive=job.exclusive(stored), started_by=user, attended=attended,
        ),
    )  # fmt: skip


def restart_run(
    run: Run, *, user: "User | None" = None, attended: bool = False, from_step: str = "", parameters: Json | None = None
) -> Run:
    """A new attempt that continues the chain of `run` after its last commit, or from a named step: then its outputs and
    all later ones' are undone first. Raises Misuse when the chain is complete, AlreadyRunning when it is live.
    `parameters`: others than it was begun with, for a chain that is undone to its end.
    """
    if not attended:
        require_queue()
    abandon_stale_runs()
    last = Run.objects.filter(chain=run.chain).latest("attempt")
    if last.live:
        raise AlreadyRunning(last)
    if not last.restartable and not from_step:
        raise Misuse(f"Run {last.pk} is complete; there is nothing to continue.")
    job = job_named(last.job)
    if from_step and from_step not in [step.name for step in job.steps]:
        raise Misuse(f"{job.name} has no step {from_step!r}. Steps: {', '.join(step.name for step in job.steps)}.")
    if parameters not in (None, last.parameters) and not is_undone(last):
        raise Misuse(f"Run {last.pk} is not undone, so it goes on as it was begun.")
    again = Run(
        job=last.job, key=last.key, region=last.region, parameters=parameters or last.parameters,
        exclusive=last.exclusive, chain=last.chain, attempt=last.attempt + 1, started_by=user, attended=attended,
    )  # fmt: skip
    return _create_run(job, again, from_step=from_step)


def undo_run(run: Run) -> Run:
    """Undo every step of the chain, the last one first, here and now; a restart then begins at the first. Repeatable.

    Raises Misuse while it is live, where its job refuses, when a step has no undo, or as soon as the chain is begun
    again meanwhile, which undoes what is left. One whose worker was lost is live no more.
    """
    abandon_stale_runs()
    run = Run.objects.filter(chain=run.chain).latest("attempt")
    if run.live:
        raise Misuse(f"Run {run.pk} is {run.status}. Stop it first.")
    job = job_named(run.job)
    job.undoable(run)
    steps = {step.name: step for step in job.steps}
    # Also one that a restart was to begin anew, and did not come to: what it wrote stands still.
    left = StepPart.objects.filter(step__chain=run.chain, undo=True).values("step")
    wrote = Q(started_at__isnull=False) | Q(pk__in=left)
    states = list(StepState.objects.filter(wrote, chain=run.chain).order_by("-sequence"))
    for state in states:
        if steps[state.name].reset is None:
            raise Misuse(f"Step {state.name} cannot be undone: what it wrote stands elsewhere.")
    _mark_undone(run, states)
    for state in states:
        for part in state.parts.all():
            with transaction.atomic():
                _lock_last(run)
                if state.parts.filter(pk=part.pk, undo=True).update(undo=False):
                    steps[state.name].reset(part)  # type: ignore[misc]
    record_change(run, {"outputs": ("written", "undone")})
    log.info("run_undone", run=run.pk)
    return run


def _mark_undone(run: Run, states: Sequence[StepState]) -> None:
    """Everything at once, before anything is undone: after a crash in between, a restart undoes what is left, part by
    part before it works it, and never passes over a step whose outputs are half gone."""
    with transaction.atomic():
        _lock_last(run)
        if not move(run, (*RESTARTABLE, RunStatus.COMPLETE), RunStatus.STOPPED, reason=UNDONE, detail=""):
            raise Misuse(f"Run {run.pk} is {run.status}. Stop it first.")
        for state in states:
            state.parts.update(**CLEARED, undo=True, fence=F("fence") + 1)
            StepState.objects.filter(pk=state.pk).update(status=StepStatus.PENDING, outputs={})


def _lock_last(run: Run) -> None:
    """To the end of the transaction: the next attempt locks it as well, before it begins."""
    lock(run)
    if again := Run.objects.filter(chain=run.chain, attempt__gt=run.attempt).first():
        raise Misuse(f"Run {run.pk} was begun again while it was undone, as run {again.pk}, which undoes what is left.")


def stop_run(run: Run, *, reason: str = STOPPED_BY_HAND, detail: str = "") -> Run:
    """Ask the run to stop after its present chunk, at once when nobody works it. Idempotent while stopping.

    Who asked stands in the audit log; nobody is named where a command did.
    """
    with transaction.atomic():
        held, before = lock(run), run.status
        if held.status == RunStatus.STOPPING:  # who asked first has stopped it
            reason, detail = held.reason, held.detail
        working = StepPart.objects.filter(run=run, status=StepStatus.RUNNING).exists()
        if not working and move(run, LIVE, RunStatus.STOPPED, reason=reason, detail=detail):
            StepState.objects.filter(chain=run.chain, status=StepStatus.RUNNING).update(status=StepStatus.PENDING)
        elif not move(run, LIVE, RunStatus.STOPPING, reason=reason, detail=detail):
            raise Misuse(f"Run {run.pk} has ended ({run.status}); there is nothing to stop.")
        if run.status != before:
            record_change(run, {"status": (before, run.status)})
    log.info("run_stop", run=run.pk)
    return run


def abandon_stale_runs() -> int:
    """Mark as abandoned each live run whose worker has not been heard of for RUN_STALE_SECONDS; say how many.

    A run that waits in the queue is not stale, however long; an attended one waits for nobody but its command.
    """
    before = timezone.now() - timedelta(seconds=settings.RUN_STALE_SECONDS)
    stale = Run.objects.filter(status__in=LIVE, parts__status=StepStatus.RUNNING, parts__heartbeat_at__lt=before)
    left_waiting = Run.objects.filter(status__in=LIVE, attended=True, created_at__lt=before).exclude(
        parts__heartbeat_at__gte=before
    )
    return sum(_abandon(run) for run in {*stale.distinct(), *left_waiting.distinct()})


def ring_again() -> int:
    """Ring each part that waits and has no bell in the queue: its ringer died between the commit and the ring."""
    return sum(ring(part) for part in waiting_parts().filter(run__attended=False))


def _create_run(job: Job, run: Run, *, from_step: str = "") -> Run:
    if run.region is not None and run.region.paused:
        raise Misuse(f"Region {run.region.name} is paused; no job of it starts until it is resumed.")
    run.correlation_id = uuid.uuid4().hex
    try:
        with tracing.span(f"start {job.name}"), transaction.atomic():
            job.admit(run)
            run.traceparent = tracing.traceparent()
            run.save()
            if run.attempt == 1:
                _create_steps(job, run)
            elif is_undone(lock(Run.objects.get(chain=run.chain, attempt=run.attempt - 1))):
                divide_anew(job, run)
            _reopen_steps(job, run, from_step)
            if not begin_next_step(run):
                raise Misuse(f"Every step of {run.job} for {run.key} is complete.")
    except IntegrityError:
        live = Run.objects.filter(
            Q(job=run.job, key=run.key, exclusive=True, status__in=LIVE) | Q(chain=run.chain, attempt=run.attempt)
        ).first()
        if live is None:
            raise
        raise AlreadyRunning(live) from None
    log.info("run_start", run=run.pk, job=run.job, attempt=run.attempt, correlation_id=run.correlation_id)
    return run


def _create_steps(job: Job, run: Run) -> None:
    for sequence, step in enumerate(job.steps):
        parts = step.partitions(run.parameters)
        state = StepState.objects.create(
            chain=run.chain, job=run.job, key=run.key, name=step.name, sequence=sequence, remaining=parts
        )
        StepPart.objects.bulk_create(StepPart(step=state, run=run, partition=number) for number in range(parts))


def _reopen_steps(job: Job, run: Run, from_step: str) -> None:
    """As runs/reopening.py has it: whoever works the parts of a step that begins anew undoes what they wrote first."""
    states = list(StepState.objects.filter(chain=run.chain))
    if [state.name for state in states] != [step.name for step in job.steps]:
        raise Misuse(f"{run.job} had other steps when this run began: start it anew, with --fresh.")
    for each, step in zip(reopening(states, from_step), job.steps, strict=True):
        state = each.state
        if each.undo:
            if step.reset is None:
                raise Misuse(f"Step {state.name} cannot be undone: what it wrote stands elsewhere. Restart without it.")
            state.parts.update(**CLEARED, undo=True, fence=F("fence") + 1)
            log.info("step_begins_anew", step=state.name, predecessors=each.changed)
        if each.again:
            state.restart_count += 1
            state.status = StepStatus.PENDING
            state.outputs = {}
            if not state.parts.filter(checkpoint_number__gt=0).exists():
                state.started_at = None  # it begins anew, so its time does as well
            state.remaining = state.parts.exclude(status=StepStatus.COMPLETE).count()
            state.save()
        state.parts.exclude(status=StepStatus.COMPLETE).update(run=run)


def _abandon(run: Run) -> int:
    with transaction.atomic():
        lock(run)
        beat = run.parts.aggregate(at=Max("heartbeat_at"))["at"] or run.created_at
        if beat >= timezone.now() - timedelta(seconds=settings.RUN_STALE_SECONDS):
            return 0
        if not move(run, LIVE, RunStatus.ABANDONED, reason="heartbeat_lost", detail="Its worker was lost. Restart it."):
            return 0
        # The fence moves on, so that a worker that only slept cannot commit what it still holds.
        run.parts.filter(status=StepStatus.RUNNING).update(status=StepStatus.PENDING, fence=F("fence") + 1)
        StepState.objects.filter(chain=run.chain, status=StepStatus.RUNNING).update(status=StepStatus.FAILED)
    log.info("run_abandoned", run=run.pk, job=run.job)
    return 1
