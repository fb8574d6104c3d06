"""Jobs small enough to see through, for the kernel's tests: numbers in chunks, effects in a list."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from backoffice.runs.job import Chunk, Fault, Job, Json, Result, Step
from backoffice.runs.models import StepPart
from backoffice.runs.repeating import idempotent

AGAIN = idempotent("its numbers are the test's")


@dataclass
class World:
    """What the toy jobs read and do; a test changes it."""

    items: list[int] = field(default_factory=lambda: list(range(10)))
    size: int = 3
    seen: list[int] = field(default_factory=list)
    committed: list[int] = field(default_factory=list)
    undone: list[str] = field(default_factory=list)
    before_chunk: Callable[[list[int]], None] = lambda numbers: None
    judge: Callable[[int], Fault | str] = lambda number: "done"
    verify: Callable[[], Any] = lambda: None
    partitions: int = 1
    acted: list[list[int]] = field(default_factory=list)
    intended: list[list[int]] = field(default_factory=list)


world = World()


@contextmanager
def open_part(part: StepPart) -> Iterator[StepPart]:
    yield part


def chunks(part: StepPart, checkpoint: Json | None) -> Iterator[Chunk]:
    mine = [n for n in world.items if n % world.partitions == part.partition]
    begin = checkpoint["next"] if checkpoint else 0
    for at in range(begin, len(mine), world.size):
        end = min(at + world.size, len(mine))
        yield Chunk(data=mine[at:end], checkpoint={"next": end}, done=end, of=len(mine), label=f"{end} of {len(mine)}")


def prepare(part: StepPart, chunk: Chunk) -> Result:
    world.before_chunk(chunk.data)
    world.seen.extend(chunk.data)
    faults: list[Fault] = []
    result = Result(
        read=len(chunk.data),
        failures=faults,
        rows=chunk.data,
        totals={"items": len(chunk.data), "value": Decimal("0.10") * len(chunk.data)},
    )
    for number in chunk.data:
        verdict = world.judge(number)
        result.outcomes["failed" if isinstance(verdict, Fault) else verdict] += 1
        if isinstance(verdict, Fault):
            faults.append(verdict)
    return result


def commit(part: StepPart, result: Result) -> None:
    world.committed.extend(result.rows or [])


def verify(part: StepPart) -> Any:
    return world.verify()


def parameters(region: Any, raw: Json) -> Json:
    return dict(raw)


def key(region: Any, parameters: Json) -> str:
    return str(parameters.get("key", "all"))


def partitions(parameters: Json) -> int:
    return world.partitions


COUNTING: Step[StepPart] = Step(
    name="count", open=open_part, chunks=chunks, prepare=prepare, commit=commit, verify=verify
)
TOY = Job(
    name="toy", title="Toy", queue="default", steps=(COUNTING,), outcomes=("done", "failed"), parameters=parameters,
    key=key, twice=AGAIN, exclusive=lambda parameters: not parameters.get("preview"),
)  # fmt: skip


def numbered(name: str) -> Step[StepPart]:
    def reset(part: StepPart) -> None:
        world.undone.append(f"{name}/{part.partition}")

    return Step(
        name=name,
        open=open_part,
        chunks=chunks,
        prepare=prepare,
        commit=commit,
        verify=verify,
        reset=reset,
        partitions=partitions,
    )


THREE_STEPS = Job(
    name="three", title="Three", queue="default", steps=(numbered("first"), numbered("second"), numbered("third")),
    outcomes=("done", "failed"), parameters=parameters, key=key, twice=AGAIN,
)  # fmt: skip


def prepare_writes(part: StepPart, chunk: Chunk) -> Result:
    return Result(read=len(chunk.data), outcomes=Counter(done=len(chunk.data)), rows=chunk.data, intents=chunk.data)


def intend(part: StepPart, result: Result) -> None:
    world.intended.append(list(result.intents))


def act(part: StepPart, result: Result) -> Result:
    """Odd numbers are refused once: they stay to be intended and tried again as even ones."""
    world.acted.append(list(result.intents))
    result.intents = [n + 1 for n in result.intents if n % 2]
    return result


WRITING = Job(
    name="writing", title="Writing", queue="default", outcomes=("done",), parameters=parameters, key=key,
    twice=AGAIN,
    steps=(
        Step(
            name="write", open=open_part, chunks=chunks, prepare=prepare_writes, intend=intend, act=act, commit=commit,
        ),
    ),
)  # fmt: skip
