"""The chunk loop. `work` is the one entry: the queue and the waiting command both call it with a part's id. A chunk has
four phases (job.Step): prepare, intend, act, commit. Every transaction checks the part's fence first."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from typing import Any, TypeVar

import structlog
from django.db import DatabaseError, InterfaceError, OperationalError, connections, transaction
from django.utils import timezone

from backoffice.runs import parts
from backoffice.runs.accounts import COMMITTED, Breaker, Clock, add, cause_of, check, place_of, write_failures
from backoffice.runs.faults import ConfigError, ItemError, RunEnds, TransientError
from backoffice.runs.heartbeat import Heartbeat
from backoffice.runs.job import Chunk, Fault, Job, Result, Step
from backoffice.runs.models import RunStatus, StepPart
from backoffice.runs.registry import job_named
from backoffice.runs.told import told

log = structlog.get_logger(__name__)
Item = TypeVar("Item")
Value = TypeVar("Value")

_handover = threading.Event()


def request_handover() -> None:
    """Give the part back after the present chunk, for another worker to go on with: this process is to end."""
    _handover.set()


def each(function: Callable[[Item], Value], items: Sequence[Item], *, concurrency: int) -> list[Value | Fault]:
    """Apply `function` to each item in threads, in order; an item's fault stays with the item, as a Fault.

    The threads copy the contextvars and cannot reach the database. ConfigError and a lost database end the run.
    """

    def one(item: Item) -> Value | Fault:
        try:
            return function(item)
        except ItemError as error:
            return Fault(category=error.category, reason=error.reason)
        except TransientError as error:
            return Fault(category="transient", reason=str(error))
        except (ConfigError, DatabaseError, InterfaceError):
            raise
        except Exception as error:  # the one broad except for items: any other fault of an item stays with the item
            log.error("item_unexpected", error=type(error).__name__, at=place_of(error))
            return Fault(category="unexpected", reason=type(error).__name__)

    with ThreadPoolExecutor(max(1, min(concurrency, len(items))), initializer=refuse_database) as pool:
        return [future.result() for future in [pool.submit(copy_context().run, one, item) for item in items]]


def work(part_id: int) -> None:
    """Claim the part and work it to its end; does nothing when it is not there to be claimed (a second bell)."""
    if (part := parts.claim(part_id)) is None:
        return
    with told(part), Heartbeat(part) as heartbeat:
        try:
            _work_part(part, job_named(part.run.job), heartbeat)
        except parts.FenceLost:
            log.warning("fence_lost")
        except RunEnds as error:
            parts.leave(part, RunStatus.FAILED, error.reason, str(error))
        except (OperationalError, InterfaceError) as error:
            log.error("database_lost", error=type(error).__name__, at=place_of(error))
            connections.close_all()
            parts.leave(part, RunStatus.ERRORED, "database", f"The database gave up ({cause_of(error)}). Restart it.")
        except Exception as error:  # the one broad except for parts: an unexpected fault ends the run, not the worker
            log.error("run_unexpected", error=type(error).__name__, at=place_of(error))
            parts.leave(part, RunStatus.ERRORED, "unexpected", f"{type(error).__name__} at {place_of(error)}")


def _work_part(part: StepPart, job: Job, heartbeat: Heartbeat) -> None:
    step = next(step for step in job.steps if step.name == part.step.name)
    breaker, clock = Breaker(job), Clock()
    parts.undo(part, step.reset)
    with step.open(part) as opened:
        if step.settle is not None:
            _commit(part, job, step, opened, step.settle(opened), None, clock)
        for chunk in step.chunks(opened, part.checkpoint):
            result = _process(part, step, opened, chunk, heartbeat)
            _commit(part, job, step, opened, result, chunk, clock)
            breaker.judge(result)
            heartbeat.check()
            if parts.stop_requested(part):
                parts.stop(part)
                return
            if _handover.is_set():
                parts.hand_over(part)
                return
        parts.complete(part, lambda: step.verify(opened) if step.verify else None)


def _process(part: StepPart, step: Step[Any], opened: Any, chunk: Chunk, heartbeat: Heartbeat) -> Result:
    result = step.prepare(opened, chunk)
    while result.intents:
        heartbeat.check()
        if step.intend is not None and not result.intended:
            with _fenced(part):
                step.intend(opened, result)
        if step.act is None:
            raise RuntimeError(f"step {step.name} intends but has no act")
        result = step.act(opened, result)
    return result


def _commit(
    part: StepPart, job: Job, step: Step[Any], opened: Any, result: Result, chunk: Chunk | None, clock: Clock
) -> None:
    check(job, result)
    add(part, result, chunk, clock)
    with clock.committing(chunk), _fenced(part, **{name: getattr(part, name) for name in COMMITTED}):
        if step.commit is not None:
            step.commit(opened, result)
        write_failures(part, result.failures)


@contextmanager
def _fenced(part: StepPart, **changes: Any) -> Iterator[None]:
    """A short transaction that begins with the fence: another worker's part raises FenceLost and nothing is written."""
    with transaction.atomic():
        parts.hold(part, heartbeat_at=timezone.now(), **changes)
        yield


def refuse_database() -> None:
    """For threads of items: to reach for the database is a fault in the code, said at once; no connection is opened."""

    def refuse() -> None:
        raise RuntimeError("an item's thread reached for the database")

    for connection in connections.all():
        connection.connect = refuse  # type: ignore[method-assign]
