"""When a night will be done, whether that is before 04:00, and what each way to go on would come to.

Everything is computed from committed counters (claims/pace.py) and the time that it is now.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils import timezone

from backoffice.runs.models import Run, RunStatus, StepStatus
from claims.jobs import RUN_PIPELINE, pipeline_key
from claims.pace import Pace, Rates, paces, rates, staged_lines, states_of
from claims.window import NOMINAL_SECONDS, Window, window_of
from regions.models import Region

GROWTH = 1.12  # volume, each year
RESUME = ""
DAYS_A_YEAR = 365.25
FEWEST_LINES, SHORTEST_SECONDS = 10_000, 10  # below, what a night takes before its first line would count as its lines'


@dataclass(frozen=True, kw_only=True, slots=True)
class StepForecast:
    """One step: from when to when, and whether that end is still to come."""

    pace: Pace
    begins: datetime
    ends: datetime
    expected: bool
    rate: float

    @property
    def name(self) -> str:
        return self.pace.name


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """A way to go on, begun now. `step`: from which step from scratch; empty to go on after the last commit."""

    step: str
    seconds: float
    ends: datetime
    in_time: bool

    @property
    def title(self) -> str:
        return f"From {self.step}, from scratch" if self.step else "Resume after the last checkpoint"


@dataclass(frozen=True, kw_only=True, slots=True)
class Capacity:
    """`full`: the lines a night at which the window is full. `on`: when growth reaches it."""

    seconds_per_line: float
    full: int
    months: float
    on: date


@dataclass(frozen=True, kw_only=True, slots=True)
class Forecast:
    """A night of a region. `ends` is when it ended where it is complete. `slack` in seconds, below 0 when too late."""

    region: Region
    run_date: date
    run: Run | None
    now: datetime
    window: Window
    lines: int
    steps: Sequence[StepForecast]
    choices: Sequence[Choice]
    capacity: Capacity | None

    @property
    def ends(self) -> datetime:
        return self.steps[-1].ends

    @property
    def slack(self) -> float:
        return (self.window.closes - self.ends).total_seconds()

    @property
    def in_time(self) -> bool:
        return self.slack >= 0

    @property
    def status(self) -> str:
        return self.run.status if self.run else "not begun"

    @property
    def complete(self) -> bool:
        return self.run is not None and self.run.status == RunStatus.COMPLETE


def forecast(region: Region, run_date: date, now: datetime | None = None) -> Forecast:
    """Of the night of that date, begun or not."""
    now = now or timezone.now()
    key = pipeline_key(region, {"run_date": run_date.isoformat()})
    run = Run.objects.filter(job=RUN_PIPELINE.name, key=key).first()
    lines = staged_lines(region, run_date)
    tonight = paces(states_of(run), lines)
    speeds = rates(region, tonight, run)
    window = window_of(run_date, region.zone)
    return Forecast(
        region=region, run_date=run_date, run=run, now=now, window=window, lines=lines,
        steps=_steps(tonight, speeds, now if run else max(now, window.opens)),
        choices=_choices(tonight, speeds, now, window) if run and not run.live else (),
        capacity=_capacity(tonight, speeds, lines, run_date),
    )  # fmt: skip


def _steps(tonight: Sequence[Pace], speeds: Rates, clock: datetime) -> list[StepForecast]:
    found = []
    for pace in tonight:
        begins = pace.started_at if pace.started_at and pace.status != StepStatus.PENDING else clock
        expected = not (pace.complete and pace.ended_at)
        if expected:
            clock += timedelta(seconds=left(pace, speeds))
        ends = pace.ended_at if pace.complete and pace.ended_at else clock
        rate = 1 / speeds[pace.name] if speeds[pace.name] else 0.0
        found.append(StepForecast(pace=pace, begins=min(begins, ends), ends=ends, expected=expected, rate=rate))
    return found


def left(pace: Pace, speeds: Rates) -> float:
    """Seconds that the step still takes, going on where it is."""
    return 0.0 if pace.complete else max(0.0, pace.lines - pace.done) * speeds[pace.name]


def _choices(tonight: Sequence[Pace], speeds: Rates, now: datetime, window: Window) -> list[Choice]:
    """To resume; the step in question from scratch; each earlier one, the nearest first."""

    def choice(step: str, seconds: float) -> Choice:
        ends = now + timedelta(seconds=seconds)
        return Choice(step=step, seconds=seconds, ends=ends, in_time=ends <= window.closes)

    remaining = [left(pace, speeds) for pace in tonight]
    whole = [pace.lines * speeds[pace.name] for pace in tonight]
    at = next((number for number, pace in enumerate(tonight) if not pace.complete), len(tonight))
    found = [choice(RESUME, sum(remaining))] if at < len(tonight) else []
    begun = [number for number, pace in enumerate(tonight) if pace.started_at]
    return found + [choice(tonight[number].name, sum(whole[number:])) for number in reversed(begun) if number <= at]


def _capacity(tonight: Sequence[Pace], speeds: Rates, lines: int, run_date: date) -> Capacity | None:
    """None of a night that is too small to tell."""
    seconds = sum(pace.lines * speeds[pace.name] for pace in tonight)
    return capacity(lines, seconds, run_date) if lines >= FEWEST_LINES and seconds >= SHORTEST_SECONDS else None


def capacity(lines: int, seconds: float, run_date: date) -> Capacity:
    """For a night of so many lines that takes so long [X-14]."""
    full = int(lines * NOMINAL_SECONDS / seconds)
    years = math.log(max(full, 1) / lines) / math.log(GROWTH)
    days = min(max(years, 0.0) * DAYS_A_YEAR, (date.max - run_date).days)
    return Capacity(
        seconds_per_line=seconds / lines, full=full, months=years * 12, on=run_date + timedelta(days=int(days))
    )
