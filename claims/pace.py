"""How fast the steps of a night are: tonight's, from committed counters; of earlier nights; or the ones to begin with.

Seconds are those of the clock, not of the workers: four partitions worked at once take a quarter of their seconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Prefetch, Sum

from backoffice.runs.models import Run, RunStatus, StepPart, StepState, StepStatus
from claims.jobs import RUN_PIPELINE
from claims.models import Night, StagedBatch
from claims.pipeline.order import emptied
from regions.models import Region

# Minutes for 2.8 million lines, where nothing was measured yet [S2-01 to S2-06].
DEFAULT_MINUTES = {"extract": 25, "validate": 40, "enrich": 55, "price": 70, "adjudicate": 90, "remit": 20}
DEFAULT_LINES = 2_800_000
NIGHTS_LOOKED_AT = 5
Rates = dict[str, float]  # seconds per line, by step


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """One step of a night. `lines`: what it has to read; `done`: what it has; `seconds`: how long that took."""

    name: str
    status: str
    lines: float
    done: float
    seconds: float
    started_at: datetime | None
    ended_at: datetime | None

    @property
    def complete(self) -> bool:
        return self.status == StepStatus.COMPLETE

    @property
    def share(self) -> float:
        return 1.0 if self.complete else min(1.0, self.done / self.lines) if self.lines else 0.0

    @property
    def per_line(self) -> float | None:
        return self.seconds / self.done if self.done and self.seconds else None


def staged_lines(region: Region, run_date: Any) -> int:
    """The lines of the night; before it has taken any, those that wait. None of one that has lost its own."""
    batches = StagedBatch.objects.filter(region=region, run_date=run_date)
    if not batches.exists():
        night = Night.objects.filter(region=region, run_date=run_date).first()
        if night is not None and emptied(night):
            return 0
        batches = StagedBatch.waiting_for(region, run_date)
    return batches.aggregate(lines=Sum("lines"))["lines"] or 0


def paces(states: Sequence[StepState], staged: int) -> list[Pace]:
    """Every step of the job, begun or not. `states` have their parts prefetched."""
    known = {state.name: state for state in states}
    at_once = workers_at_once(states)
    found: list[Pace] = []
    lines = float(staged)
    for step in RUN_PIPELINE.steps:
        state = known.get(step.name)
        if state is None:
            pace = Pace(
                name=step.name,
                status=StepStatus.PENDING,
                lines=lines,
                done=0,
                seconds=0,
                started_at=None,
                ended_at=None,
            )
        else:
            pace = _pace(state, lines, at_once)
        found.append(pace)
        lines = _handed_on(state, pace)
    return found


def states_of(run: Run | None) -> list[StepState]:
    if run is None:
        return []
    return list(StepState.objects.filter(chain=run.chain).prefetch_related(Prefetch("parts", StepPart.objects.all())))


def _pace(state: StepState, before: float, at_once: float) -> Pace:
    done = lines_read(state)
    return Pace(
        name=state.name, status=state.status, lines=done if state.status == StepStatus.COMPLETE else max(before, done),
        done=done, seconds=clock_seconds(state, at_once), started_at=state.started_at, ended_at=state.ended_at,
    )  # fmt: skip


def lines_read(state: StepState) -> float:
    """Committed. The parts' own `done` counts positions, in which rejected lines leave gaps."""
    return float(sum(part.totals.get("in", 0) for part in state.parts.all()))


def _handed_on(state: StepState | None, pace: Pace) -> float:
    """What the next step has to read: rejected lines are left out from validate on."""
    valid = (state.outputs.get("valid") or {}).get("count") if state is not None else None
    return pace.lines if valid is None else float(valid)


def clock_seconds(state: StepState, at_once: float) -> float:
    """From start to end where nothing came between; else what its parts worked, as many at once as this night has."""
    if state.status == StepStatus.COMPLETE and not state.restart_count and state.started_at and state.ended_at:
        return (state.ended_at - state.started_at).total_seconds()
    parts = list(state.parts.all())
    return sum(part.seconds for part in parts) / (min(at_once, len(parts)) if parts else 1)


def workers_at_once(states: Sequence[StepState]) -> float:
    """How many parts are worked at the same time: those in work now, or as the complete steps of the night show."""
    most = 1.0
    for state in states:
        parts = list(state.parts.all())
        most = max(most, sum(part.status == StepStatus.RUNNING for part in parts))
        if len(parts) > 1 and state.status == StepStatus.COMPLETE and (seconds := clock_seconds(state, 1.0)):
            most = max(most, min(len(parts), sum(part.seconds for part in parts) / seconds))
    return most


def rates(region: Region, tonight: Sequence[Pace], run: Run | None) -> Rates:
    """Seconds per line of every step: tonight's own, else the last complete nights', else the default at the speed that
    tonight has shown so far."""
    earlier = history(region, run)
    shown = [pace for pace in tonight if pace.per_line is not None]
    expected = sum(pace.done * default(pace.name) for pace in shown)
    speed = sum(pace.seconds for pace in shown) / expected if expected else 1.0
    return {pace.name: pace.per_line or earlier.get(pace.name) or default(pace.name) * speed for pace in tonight}


def default(step: str) -> float:
    return DEFAULT_MINUTES[step] * 60 / DEFAULT_LINES


def history(region: Region, but: Run | None) -> Rates:
    """Seconds per line over the region's last complete nights, other than the one of this run."""
    runs = Run.objects.filter(job=RUN_PIPELINE.name, region=region, status=RunStatus.COMPLETE)
    if but is not None:
        runs = runs.exclude(chain=but.chain)
    chains = list(runs.values_list("chain", flat=True)[:NIGHTS_LOOKED_AT])
    seconds: Rates = {}
    lines: Rates = {}
    for state in StepState.objects.filter(chain__in=chains, status=StepStatus.COMPLETE).prefetch_related("parts"):
        seconds[state.name] = seconds.get(state.name, 0) + clock_seconds(state, 1.0)
        lines[state.name] = lines.get(state.name, 0) + lines_read(state)
    return {name: seconds[name] / lines[name] for name in seconds if lines[name] and seconds[name]}
