"""The figures of a part: what a chunk adds, whether it balances, and when it speaks against the other side."""

import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from itertools import islice

from backoffice.runs.faults import OutOfBalance, RunEnds
from backoffice.runs.job import Chunk, Fault, Job, Json, Result, Total
from backoffice.runs.models import Failure, StepPart, as_json_totals

BREAKER_ITEMS = 200
FAILURES_AT_ONCE = 500


class TooManyFaults(RunEnds):
    """More than half of the last 200 items failed for reasons that are not theirs."""

    reason = "too_many_faults"


COMMITTED = (
    "read",
    "outcomes",
    "totals",
    "digest",
    "seconds",
    "commit_seconds",
    "checkpoint",
    "checkpoint_number",
    "done",
    "of",
    "label",
)


def add(part: StepPart, result: Result, chunk: Chunk | None, clock: "Clock") -> None:
    part.read += result.read
    part.outcomes = {**part.outcomes, **{word: part.outcomes.get(word, 0) + n for word, n in result.outcomes.items()}}
    part.totals = add_totals(part.totals, dict(result.totals))
    part.digest = result.digest or part.digest
    part.seconds += clock.lap()
    part.commit_seconds += clock.committed
    if chunk is not None:
        part.checkpoint, part.checkpoint_number = chunk.checkpoint, part.checkpoint_number + 1
        part.done, part.of, part.label = chunk.done, chunk.of, chunk.label


def add_totals(stored: Json, more: dict[str, Total]) -> Json:
    """The stored totals with `more` added: whole numbers stay whole, money stays decimal text."""
    summed = dict(stored)
    for name, value in more.items():
        summed[name] = (
            Decimal(summed.get(name, 0)) + value if isinstance(value, Decimal) else summed.get(name, 0) + value
        )
    return as_json_totals(summed)


def write_failures(part: StepPart, faults: Iterable[Fault]) -> None:
    """Inside the caller's transaction, some at a time: a night may reject a hundred thousand claims in one chunk."""
    rows = _failure_rows(part, faults)
    while some := list(islice(rows, FAILURES_AT_ONCE)):
        Failure.objects.bulk_create(some)


def _failure_rows(part: StepPart, faults: Iterable[Fault]) -> Iterator[Failure]:
    for fault in faults:
        yield Failure(
            run_id=part.run_id, step=part.step.name, reference=fault.reference, category=fault.category,
            reason=fault.reason, phase=fault.phase, detail=fault.detail, money_at_stake=fault.money,
        )  # fmt: skip


def check(job: Job, result: Result) -> None:
    """OutOfBalance unless the chunk's outcomes are declared words and add up to what was read."""
    if result.read != sum(result.outcomes.values()):
        raise OutOfBalance(f"{result.read} items were read, {sum(result.outcomes.values())} have an outcome.")
    if undeclared := set(result.outcomes) - set(job.outcomes):
        raise OutOfBalance(f"Outcomes that the job does not declare: {', '.join(sorted(undeclared))}.")


class Breaker:
    """Ends a run when more than half of the last 200 items failed in an environmental category: not by their fault."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.last: deque[bool] = deque(maxlen=BREAKER_ITEMS)

    def judge(self, result: Result) -> None:
        """Take in a chunk's failures; raise TooManyFaults when that is enough."""
        environmental = sum(fault.category in self.job.environmental for fault in result.failures)
        self.last.extend([False] * max(0, result.read - environmental) + [True] * environmental)
        if sum(self.last) > BREAKER_ITEMS // 2:
            raise TooManyFaults(
                f"{sum(self.last)} of the last {len(self.last)} items failed for reasons that are not theirs."
            )


class Clock:
    """Seconds since the last lap, and `committed`: those of the commit that it holds, if any."""

    def __init__(self) -> None:
        self.at = time.monotonic()
        self.committed = 0.0

    def lap(self) -> float:
        now = time.monotonic()
        seconds, self.at = now - self.at, now
        return seconds

    @contextmanager
    def committing(self, chunk: Chunk | None) -> Iterator[None]:
        """Around a commit, which falls into the lap after it; one without a chunk is no checkpoint's."""
        began = time.monotonic()
        yield
        self.committed = time.monotonic() - began if chunk else 0.0


def place_of(error: BaseException) -> str:
    """File and line where it was raised: the message itself may hold what belongs in no log."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "unknown"
    return f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}"


def cause_of(error: BaseException) -> str:
    """What the driver calls a database's fault: DeadlockDetected, DiskFull, SQLITE_BUSY."""
    cause = error.__cause__ or error
    return getattr(cause, "sqlite_errorname", "") or type(cause).__name__
