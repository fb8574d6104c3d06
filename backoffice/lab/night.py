"""Run the cases of a place: each from the same staged claims, in processes that may be killed."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backoffice.lab import cases as known
from backoffice.lab.cases import Attempt, Case
from backoffice.lab.places import Ground, LabFailed, Place, opened, small_disk
from backoffice.lab.shape import RUN_DATE, make
from backoffice.lab.snapshot import digest

STEPS = ("extract", "validate", "enrich", "price", "adjudicate", "remit")
STEP_5 = ("T09", "T10", "T11")
Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Size:
    """How large the nights are, and how many checkpoints a step has.

    `lines`: of T01 to T12; `other_lines`: of other faults; `second_lines`: where the accumulators have a database of
    their own. `boundary_every`: one commit in so many of the small night.
    """

    lines: int
    other_lines: int
    second_lines: int
    checkpoints: int = 40
    small_lines: int = 600
    small_checkpoints: int = 4
    boundary_every: int = 1
    partitions: int = 2


WHOLE = Size(lines=280_000, other_lines=28_000, second_lines=8_000)
FAST = Size(lines=4_000, other_lines=4_000, second_lines=4_000, boundary_every=7)


@dataclass(frozen=True, kw_only=True)
class Found:
    """What became of a case. `wrong`: why it did not pass, empty if it did."""

    case: Case
    place: str
    lines: int
    attempts: list[Json]
    undisturbed: dict[str, str]
    after: dict[str, str]
    wrong: str

    @property
    def passed(self) -> bool:
        return not self.wrong


@dataclass(kw_only=True)
class Lab:
    """The nights of one place. `say` tells whoever waits what is being done."""

    ground: Ground
    size: Size
    seed: int
    folder: Path
    say: Callable[[str], object]
    nights: dict[str, Json] = field(default_factory=dict)

    def cases(self, names: Collection[str] = ()) -> Iterator[Case]:
        """Every case of the place, or those of these names; "boundaries" are the commits."""
        for case in named_cases(self.ground.place):
            if not names or case.name in names:
                yield case
        if not names or "boundaries" in names:
            yield from self._boundaries()

    def run(self, case: Case) -> Found:
        self.say(f"{self.ground.place.name}: {case.name}, {case.what}")
        undisturbed = self.undisturbed(case)
        told = self._attempts(case)
        after = told[-1].get("snapshot") or {}
        return Found(
            case=case, place=self.ground.place.name, lines=self._lines(case), attempts=told,
            undisturbed=undisturbed["snapshot"], after=after, wrong=judge(case, told, undisturbed["snapshot"], after),
        )  # fmt: skip

    def undisturbed(self, case: Case) -> Json:
        """What the same night comes to when nobody breaks it."""
        key = json.dumps([self._lines(case), self._every(case)])
        if key not in self.nights:
            self.ground.begin(self._claims(case), self._spec(case, Attempt()))
            done = self.ground.attempt(self._spec(case, Attempt()) | {"count": True, "look": False})
            if done["status"] != "complete":
                raise LabFailed(f"The undisturbed night did not complete: {done['detail']}")
            self.nights[key] = {**done, "lines": self._lines(case), "every": self._every(case)}
        return self.nights[key]

    def _attempts(self, case: Case) -> list[Json]:
        with ExitStack() as stack:
            self.ground.begin(self._claims(case), self._spec(case, Attempt()))
            if any(attempt.fault and attempt.fault["kind"] == "disk" for attempt in case.attempts):
                stack.enter_context(small_disk(self.ground.home))
            told: list[Json] = []
            for attempt in case.attempts:
                told.append(self.ground.attempt(self._spec(case, attempt)))
                if told[-1]["status"] == "crashed":
                    break
            return told

    def _boundaries(self) -> Iterator[Case]:
        own, every = self.ground.place.other is not None, self.size.boundary_every
        night = Case(name="", what="", attempts=(), small=True)
        commits = self.undisturbed(night)["commits"]
        yield from known.boundaries(commits, every, step="adjudicate" if own else "")
        self.ground.begin(self._claims(night), self._spec(night, Attempt()))
        self.ground.attempt(self._spec(night, Attempt()))
        undone = self.ground.attempt(self._spec(night, Attempt(do="undo")) | {"count": True})["commits"]
        for anew in (False,) if own else (False, True):
            yield from known.undo_boundaries(undone, every, anew=anew)

    def _lines(self, case: Case) -> int:
        """T01 to T12 are on the full number where nothing else is tried, the rest on fewer."""
        if case.small:
            return self.size.small_lines
        if self.ground.place.other is not None:
            return self.size.second_lines
        return self.size.lines if case.name.startswith("T") else self.size.other_lines

    def _every(self, case: Case) -> dict[str, int]:
        lines = self._lines(case)
        usual = lines // (self.size.small_checkpoints if case.small else self.size.checkpoints)
        own = {step: int(every if every >= 1 else every * lines) for step, every in case.every.items()}
        return dict.fromkeys(STEPS, usual) | own

    def _claims(self, case: Case) -> Path:
        claims = self.folder / f"claims-{self._lines(case)}"
        if not claims.exists():
            make(claims, self._lines(case), self.seed)
        return claims

    def _spec(self, case: Case, attempt: Attempt) -> Json:
        return {
            "do": attempt.do, "fault": attempt.fault, "from_step": attempt.from_step, "lines": self._lines(case),
            "every": self._every(case), "run_date": RUN_DATE.isoformat(), "partitions": self.size.partitions,
            "count": False, "look": True,
        }  # fmt: skip


@contextmanager
def laboratory(place: Place, size: Size, seed: int, folder: Path, say: Callable[[str], object]) -> Iterator[Lab]:
    with opened(place, folder) as ground:
        yield Lab(ground=ground, size=size, seed=seed, folder=folder, say=say)


def named_cases(place: Place) -> list[Case]:
    """Where the accumulators have a database of their own: what touches them."""
    of_step_5 = (*known.OF_T11, *known.OF_STEP_5)
    if place.other is None:
        return [*known.HARNESS, *of_step_5, *known.OTHERS, *known.OF_WORK[place.main.name]]
    harness = (case for case in known.HARNESS if case.name in STEP_5)
    return [*harness, *of_step_5, *known.OF_ACCUMULATORS[place.other.name]]


def judge(case: Case, told: list[Json], undisturbed: Mapping[str, str], after: Mapping[str, str]) -> str:
    """What is wrong: an attempt that ended otherwise, a fault without evidence, or another outcome than undisturbed."""
    for number, (attempt, said) in enumerate(zip(case.attempts, told, strict=False), 1):
        ended = "undone" if attempt.do == "undo" and said["status"] == "stopped" else said["status"]
        if ended != attempt.ends:
            return f"attempt {number} was to end {attempt.ends} and ended {ended}: {said.get('detail', '')}"
        if attempt.says not in said.get("detail", ""):
            return f"attempt {number} was to say {attempt.says!r} and said {said.get('detail', '')!r}"
        if attempt.fault and not said["evidence"]:
            return f"the fault of attempt {number} left no evidence that it happened"
    facts = [fact for said in told for fact in said["evidence"]]
    for name, value in case.proof.items():
        if not any(fact.get(name) == value or (value is True and fact.get(name)) for fact in facts):
            return f"no evidence says {name}: {value}"
    different = differing(undisturbed, after)
    if case.differs:
        return "" if different else "it came to the same, so the lab would not have seen the fault"
    return f"not as undisturbed: {', '.join(different)}" if different else ""


def differing(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    return sorted(name for name in {*one, *other} if one.get(name) != other.get(name))


def short(snapshot: Mapping[str, str]) -> str:
    """One digest of all."""
    return digest([json.dumps(dict(snapshot), sort_keys=True)]) if snapshot else "none"
