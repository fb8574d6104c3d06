"""A range of nights once more: undone, the latest first, then run in the order of their dates, each when the one before
it is complete. A job whose items are nights, so that it is watched, stopped and continued as any other; each night is
undone and restarted by the kernel's own functions, and is a run of its own.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from datetime import date
from decimal import Decimal

from auditlog.context import set_actor
from django.db import DatabaseError, InterfaceError, connection
from django.db.models import QuerySet, Sum

from backoffice.runs.control import AlreadyRunning, abandon_stale_runs, restart_run, stop_run, undo_run
from backoffice.runs.faults import ConfigError, Misuse, RunEnds
from backoffice.runs.job import Chunk, Json, Result
from backoffice.runs.kernel import work
from backoffice.runs.models import Run, RunStatus, StepPart
from backoffice.runs.state import waiting_parts
from claims.models import Night, Remittance, StagedBatch
from claims.pipeline.restage import release

COMPLETE, LEFT_OUT = "complete", "left_out"
POLL_SECONDS = 0.5


class NightFailed(RunEnds):
    """A night of the range ended and is not complete; those after it stay undone."""

    reason = "night_failed"


@contextmanager
def open_step(part: StepPart) -> Iterator[StepPart]:
    yield part


def nights_of(run: Run) -> QuerySet[Night]:
    """The nights of the run's range, the latest first."""
    return nights_between(run.region_id, *(date.fromisoformat(run.parameters[name]) for name in ("from", "to")))


def nights_between(region: int | None, first: date, last: date) -> QuerySet[Night]:
    return Night.objects.select_related("region").filter(region=region, run_date__range=(first, last))


def _places(part: StepPart, nights: QuerySet[Night]) -> Iterator[tuple[Night, int, int]]:
    """Those that are left, each with how many of how many are done when it is."""
    left = list(nights)
    before = nights_of(part.run).count() - len(left)
    for done, night in enumerate(left, before + 1):
        yield night, done, before + len(left)


def chunks_of_undo(part: StepPart, checkpoint: Json | None) -> Iterator[Chunk]:
    nights = nights_of(part.run)
    if checkpoint is not None:
        nights = nights.filter(run_date__lt=checkpoint["after"])
    for night, done, of in _places(part, nights):
        after = {"after": night.run_date.isoformat()}
        yield Chunk(data=night, checkpoint=after, done=done, of=of, label=f"night of {night.run_date} undone")


def undo(part: StepPart, chunk: Chunk) -> Result:
    """In the name of who asked for it. A night that is undone already stays as it is."""
    night: Night = chunk.data
    run, user = night.last_run, part.run.started_by
    if run is not None and not night.undone:
        try:
            with set_actor(user) if user else nullcontext():
                undo_run(run)
        except Misuse as refusal:
            raise ConfigError(str(refusal)) from None
    return Result()


def chunks_of_runs(part: StepPart, checkpoint: Json | None) -> Iterator[Chunk]:
    """Several a night: one that lasts long gives way between its parts to a stop, or to a worker that has to go."""
    here = checkpoint or {"after": ""}
    nights = nights_of(part.run).order_by("run_date")
    for night, done, of in _places(part, nights.filter(run_date__gt=here["after"]) if here["after"] else nights):
        named = f"night of {night.run_date}"
        for run in _attempts(part, night) if lines_of(night) else ():
            yield Chunk(data=(night, ""), checkpoint=here, done=done - 1, of=of, label=f"{named}, run {run.pk}")
        here = {"after": night.run_date.isoformat()}
        outcome = COMPLETE if lines_of(night) else LEFT_OUT
        yield Chunk(data=(night, outcome), checkpoint=here, done=done, of=of, label=f"{named} {outcome}")


def _attempts(part: StepPart, night: Night) -> Iterator[Run]:
    """Until the night is complete: its run, each time that something was done on it. What is live or complete was begun
    since the undo. What had ended otherwise, or lost its worker together with ours, is gone on with once; NightFailed
    for any other end."""
    run, begun, ended = night.last_run, False, True
    while run is None or run.status != RunStatus.COMPLETE:
        if run is not None and run.live:
            _go_on(part.run, run)
            run.refresh_from_db()
            ended = run.status == RunStatus.ABANDONED
            yield run
        elif run is None or begun or not ended:
            raise NightFailed(_how_to_go_on(night, run))
        else:
            run, begun = _begin(part, night, run), True


def account(part: StepPart, chunk: Chunk) -> Result:
    """What has become of the night. One that had only rejects of a night before it, which has decided on them again,
    has no lines left: it is taken off the calendar."""
    night, outcome = chunk.data
    if not outcome:
        return Result()
    if outcome == LEFT_OUT:
        release(night)
    paid = Remittance.objects.filter(night=night.pk).aggregate(paid=Sum("paid"))["paid"] or 0
    totals: dict[str, int | Decimal] = {"lines": lines_of(night), "paid": Decimal(paid).scaleb(-2)}
    return Result(read=1, outcomes=Counter({outcome: 1}), totals=totals)


def lines_of(night: Night) -> int:
    """How many lines of staged claims are the night's."""
    batches = StagedBatch.objects.filter(region=night.region_id, run_date=night.run_date)
    return batches.aggregate(lines=Sum("lines"))["lines"] or 0


def _begin(part: StepPart, night: Night, run: Run) -> Run:
    """The night's next attempt, in other partitions where that was asked for."""
    parameters = None
    if night.undone:
        parameters = {**run.parameters, **_partitions(part.run)}
    try:
        return restart_run(run, user=part.run.started_by, attended=part.run.attended, parameters=parameters)
    except AlreadyRunning as refusal:
        return refusal.run
    except Misuse as refusal:
        raise ConfigError(str(refusal)) from None


def _partitions(run: Run) -> Json:
    return {name: value for name, value in run.parameters.items() if name == "partitions"}


def _go_on(again: Run, run: Run) -> None:
    """Work a part of the night that waits here, or leave it to those who do."""
    part = waiting_parts().filter(run=run).first()
    if part is None:
        time.sleep(POLL_SECONDS)
        abandon_stale_runs()
        if _stops(again):
            _stop(run)
        return
    with _stop_passed_on(again, run):
        work(part.pk)


def _stops(again: Run) -> bool:
    return Run.objects.filter(pk=again.pk, status=RunStatus.STOPPING).exists()


def _stop(run: Run) -> None:
    with suppress(Misuse):  # it has just ended by itself
        stop_run(run)


@contextmanager
def _stop_passed_on(again: Run, run: Run) -> Iterator[None]:
    """While the block works a part of the night: whoever stops the whole stops the night as well."""
    done = threading.Event()

    def watch() -> None:
        try:
            while not done.wait(POLL_SECONDS):
                try:
                    if _stops(again):
                        return _stop(run)
                except (DatabaseError, InterfaceError):
                    connection.close()
        finally:
            connection.close()

    thread = threading.Thread(target=watch, name=f"stop-{run.pk}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _how_to_go_on(night: Night, run: Run | None) -> str:
    named = f"--region {night.region.name} --run-date {night.run_date}"
    state = f"{run.status}, run {run.pk}{': ' + run.detail[:100] if run.detail else ''}" if run else "without a run"
    return (
        f"The night of {night.run_date} is {state.rstrip('.')}. Finish it: manage.py run_pipeline {named} --wait."
        " Then continue this one for the nights after it."
    )
