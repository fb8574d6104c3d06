"""A part in the hands of its worker: claimed under a new fence, held by it, and left, handed over or completed."""

import os
import socket
from collections.abc import Callable
from typing import Any

import structlog
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from backoffice.runs.bell import ring
from backoffice.runs.job import Json
from backoffice.runs.models import LIVE, Run, RunStatus, StepPart, StepState, StepStatus
from backoffice.runs.report import log_ended
from backoffice.runs.state import begin_next_step, lock, move, waiting_parts

log = structlog.get_logger(__name__)


class FenceLost(Exception):
    """Somebody else holds the part now, or the run has ended: nothing more may be committed under the old fence."""


def claim(part_id: int) -> StepPart | None:
    """Take the part by compare-and-set under a new fence; None when it is not there to be taken."""
    now = timezone.now()
    with transaction.atomic():
        waiting = waiting_parts().filter(pk=part_id).first()
        if waiting is None or lock(waiting.run).status not in (RunStatus.QUEUED, RunStatus.RUNNING):
            return None
        if not StepPart.objects.filter(pk=part_id, status=StepStatus.PENDING, fence=waiting.fence).update(
            status=StepStatus.RUNNING, fence=F("fence") + 1, worker=worker_name(), heartbeat_at=now
        ):
            return None
        move(waiting.run, (RunStatus.QUEUED,), RunStatus.RUNNING, started_at=now)
        return StepPart.objects.select_related("step", "run", "run__region").get(pk=part_id)


def worker_name() -> str:
    """host:process, as the run page shows it."""
    return f"{socket.gethostname()}:{os.getpid()}"


def hold(part: StepPart, **changes: Any) -> None:
    """Check the fence and write `changes` in one statement, first in every transaction of a part; else FenceLost.

    In SQL: a night says it some thousand times, and to put it into words took Django longer than the database to do it.
    """
    fields = {field.name: field for field in StepPart._meta.concrete_fields}
    values = [fields[name].get_db_prep_save(value, connection) for name, value in changes.items()]
    with connection.cursor() as cursor:
        cursor.execute(
            _HOLD.format(", ".join(f"{fields[name].column} = %s" for name in changes)),
            [*values, part.pk, part.fence, StepStatus.RUNNING, RunStatus.RUNNING, RunStatus.STOPPING],
        )
        if not cursor.rowcount:
            raise FenceLost


_HOLD = (
    f"UPDATE {StepPart._meta.db_table} SET {{}} WHERE id = %s AND fence = %s AND status = %s"  # noqa: S608
    f" AND EXISTS (SELECT 1 FROM {Run._meta.db_table} AS run WHERE run.id = run_id AND run.status IN (%s, %s))"
)


def stop_requested(part: StepPart) -> bool:
    """Whether the run is to stop after the chunk."""
    return Run.objects.filter(pk=part.run_id, status=RunStatus.STOPPING).exists()


def stop(part: StepPart) -> None:
    """Give the part up where it stands; why, is what the stop was asked with."""
    run = Run.objects.get(pk=part.run_id)
    leave(part, RunStatus.STOPPED, run.reason, run.detail)


def leave(part: StepPart, status: RunStatus, reason: str, detail: str) -> None:
    """Give the part up where it stands and end the run with that status: at once for a fault, for a stop with its last
    working part. Does nothing when somebody else has ended it."""
    with transaction.atomic():
        run = lock(part.run)
        if not StepPart.objects.filter(pk=part.pk, fence=part.fence).update(status=StepStatus.PENDING):
            return
        if status == RunStatus.STOPPED and run.parts.filter(status=StepStatus.RUNNING).exists():
            return
        if move(run, LIVE, status, reason=reason, detail=detail[:300]):
            step_status = StepStatus.PENDING if status == RunStatus.STOPPED else StepStatus.FAILED
            StepState.objects.filter(pk=part.step_id).update(status=step_status, ended_at=timezone.now())
    log_ended(run)


def hand_over(part: StepPart) -> None:
    """Give the part back for another worker to go on with; the run stays live, unless it is to stop."""
    with transaction.atomic():
        stopping = lock(part.run).status == RunStatus.STOPPING
        held = StepPart.objects.filter(pk=part.pk, fence=part.fence)
        if not stopping and held.update(status=StepStatus.PENDING, fence=F("fence") + 1):
            part.refresh_from_db(fields=("fence",))
            transaction.on_commit(lambda: ring(part))
    if stopping:
        stop(part)
    log.info("part_handed_over")


def undo(part: StepPart, reset: Callable[[StepPart], None] | None) -> None:
    """Where a restart has asked for it, undo what the part wrote before its step was begun anew."""
    if not part.undo or reset is None:
        return
    with transaction.atomic():
        hold(part, undo=False, heartbeat_at=timezone.now())
        reset(part)


def complete(part: StepPart, verify: Callable[[], Json | None]) -> None:
    """The part is done. A step's last part verifies it, with no transaction open since that may take long, and begins
    the next step; the last step's ends the run."""
    if not _complete(part, None):
        _complete(part, verify() or {})


def _complete(part: StepPart, outputs: Json | None) -> bool:
    """False, with nothing done, when this is the step's last part and there are no verified outputs yet."""
    with transaction.atomic():
        run = lock(part.run)
        hold(part, status=StepStatus.COMPLETE, heartbeat_at=timezone.now())
        StepState.objects.filter(pk=part.step_id).update(remaining=F("remaining") - 1)
        step = StepState.objects.get(pk=part.step_id)
        if step.remaining:
            _stop(run)
            return True
        if outputs is None:
            transaction.set_rollback(True)
            return False
        StepState.objects.filter(pk=step.pk).update(
            status=StepStatus.COMPLETE, ended_at=timezone.now(), outputs=outputs
        )
        if not _stop(run) and not begin_next_step(run):
            # Success is earned here: the run began as "interrupted", and this is its last line.
            move(run, (RunStatus.RUNNING, RunStatus.STOPPING), RunStatus.COMPLETE, reason="", detail="")
            transaction.on_commit(lambda: log_ended(run))
        return True


def _stop(run: Run) -> bool:
    """Whether the run, which is locked, ends here: it is to stop, nobody works it any more, and nobody may claim what
    is left of it."""
    left = StepState.objects.filter(chain=run.chain).exclude(status=StepStatus.COMPLETE)
    if run.status != RunStatus.STOPPING or run.parts.filter(status=StepStatus.RUNNING).exists() or not left.exists():
        return False
    left.filter(status=StepStatus.RUNNING).update(status=StepStatus.PENDING, ended_at=timezone.now())
    transaction.on_commit(lambda: log_ended(run))
    return move(run, (RunStatus.STOPPING,), RunStatus.STOPPED)
