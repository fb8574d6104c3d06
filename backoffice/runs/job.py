"""The vocabulary of the run kernel, in Spring Batch's words: a Job is ordered Steps; a Step works in chunks.

A step's functions get first what its `open` yields, which lives for one part (connections, caches).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from backoffice.runs.models import Run, StepPart
    from backoffice.runs.repeating import Twice

Opened = TypeVar("Opened")
Json = dict[str, Any]
Total = int | Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """Why one item failed. `reason`: codes joined by ";". `money`: what is at stake, None if unknown."""

    category: str
    reason: str
    phase: str = "prepare"
    reference: str = ""
    detail: str = ""
    money: Decimal | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Chunk:
    """A unit of commit. `checkpoint`: where a restart goes on once it is committed; `done` of `of`: the share done."""

    data: Any
    checkpoint: Json
    done: float = 0
    of: float = 0
    label: str = ""


@dataclass(kw_only=True, slots=True)
class Result:
    """Of a chunk: Σ outcomes = read. `intents`: what is left for intend and act; `intended`: act alone."""

    outcomes: Counter[str] = field(default_factory=Counter)
    failures: Iterable[Fault] = ()
    totals: Mapping[str, Total] = field(default_factory=dict)
    rows: Any = None
    intents: Sequence[Any] = ()
    intended: bool = False
    digest: str = ""
    read: int = 0


@dataclass(frozen=True, kw_only=True)
class Step(Generic[Opened]):
    """One step: functions, no class to inherit. chunks(opened, checkpoint): where the last committed chunk left off, or
    None for the beginning. prepare: reads, no transaction open. intend: write-ahead rows, committed before act. act:
    remote writes; leaves what is still to be tried again in `intents` of the result. commit: rows, inside the chunk's
    one transaction. settle: what an earlier attempt intended and did not close; committed by `commit`, the checkpoint
    stays. verify: the control figures of the whole step, by its last part before it completes; or OutOfBalance. reset:
    undoes the part's outputs before its step begins anew, under the fence; may be repeated."""

    name: str
    open: Callable[["StepPart"], AbstractContextManager[Opened]]
    chunks: Callable[[Opened, Json | None], Iterator[Chunk]]
    prepare: Callable[[Opened, Chunk], Result]
    intend: Callable[[Opened, Result], None] | None = None
    act: Callable[[Opened, Result], Result] | None = None
    commit: Callable[[Opened, Result], None] | None = None
    settle: Callable[[Opened], Result] | None = None
    verify: Callable[[Opened], Json | None] | None = None
    reset: Callable[["StepPart"], None] | None = None
    partitions: Callable[[Json], int] = lambda parameters: 1


@dataclass(frozen=True, kw_only=True)
class Job:
    """A job, as data, in registry.py. `items`: what it reads, in the plural. `nightly`: a night without is a silence.

    parameters(region, raw) → as they are stored (JSON, no data of a patient), or Misuse; in_words: for its page.
    exclusive(parameters): whether a second live run of the same key is refused. result(run, report): a part of it.
    admit(run): first in the transaction that makes it live; undoable(run): before its chain is undone; each or Misuse.
    environmental: failures that speak against the other side: more than half of the last 200 items end the run.
    """

    name: str
    title: str
    queue: str
    steps: tuple[Step[Any], ...]
    outcomes: tuple[str, ...]
    parameters: Callable[[Any, Json], Json]
    key: Callable[[Any, Json], str]
    twice: "Twice"
    exclusive: Callable[[Json], bool] = lambda parameters: True
    admit: Callable[["Run"], None] = lambda run: None
    undoable: Callable[["Run"], None] = lambda run: None
    environmental: frozenset[str] = frozenset({"transient", "unexpected"})
    start_verb: str = "start_any"
    failed_only: Callable[[Any], Json] | None = None
    item_admin: str = ""
    items: str = "items"
    in_words: Callable[[Json], dict[str, str]] | None = None
    result: Callable[[Any, Json], Json] | None = None
    once: bool = False
    nightly: bool = False
