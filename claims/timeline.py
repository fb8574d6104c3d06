"""A night drawn as bars: where each step lies between the opening of the window and its end, in percent."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from claims.forecast import Forecast, StepForecast

LEAST_WIDTH = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """In percent of the whole width."""

    left: float
    width: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """`past`: when it was worked; `expected`: when it will be."""

    step: StepForecast
    past: Span | None
    expected: Span | None
    late: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Timeline:
    """`deadline` in percent; None where the night was worked at another time than in its window."""

    begins: datetime
    ends: datetime
    bars: Sequence[Bar]
    deadline: float | None
    now: float | None


def timeline(night: Forecast) -> Timeline:
    first, last = night.steps[0].begins, night.ends
    in_window = first < night.window.closes and not night.window.is_past(last)
    begins = min(first, night.window.opens) if in_window else first
    ends = max(last, night.window.closes) if in_window else last
    whole = max(1.0, (ends - begins).total_seconds())

    def at(moment: datetime) -> float:
        return round(100 * (moment - begins).total_seconds() / whole, 2)

    return Timeline(
        begins=begins, ends=ends,
        bars=[_bar(step, night, at) for step in night.steps],
        deadline=at(night.window.closes) if in_window else None,
        now=at(night.now) if begins < night.now < ends and not night.complete else None,
    )  # fmt: skip


def _bar(step: StepForecast, night: Forecast, at: Callable[[datetime], float]) -> Bar:
    stood_still = night.run.ended_at if night.run else None
    past = expected = None
    if step.pace.started_at and step.begins < night.now:
        past = _span(at(step.begins), at(min(step.ends, stood_still or night.now, night.now)))
    if step.expected:
        expected = _span(at(max(step.begins, night.now)), at(step.ends))
    return Bar(step=step, past=past, expected=expected, late=step.ends > night.window.closes)


def _span(left: float, right: float) -> Span:
    """Wide enough to be seen, and not beyond the end."""
    width = round(max(LEAST_WIDTH, right - left), 2)
    return Span(left=max(0.0, min(left, 100 - width)), width=width)
