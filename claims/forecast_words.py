"""A forecast in words for people, and as plain JSON for programs."""

import math
from datetime import datetime, timedelta

from backoffice.formats import count, duration, moment
from backoffice.runs.job import Json
from claims.forecast import FEWEST_LINES, SHORTEST_SECONDS, Capacity, Forecast

FAR_MONTHS = 120  # of which a day would say too much


def in_words(night: Forecast) -> str:
    """The night in a few lines, for the command and for alerts."""
    lines = [headline(night)]
    for step in night.steps:
        state = "forecast" if step.expected else "done"
        lines.append(f"  {step.name:<10} {step.pace.share:>4.0%}  {state} {moment(step.ends, night.region.zone)}")
    for each in () if night.complete else night.choices:
        verdict = "in time" if each.in_time else "too late"
        lines.append(f"  {each.title}: {moment(each.ends, night.region.zone)}, {verdict}")
    if night.lines:
        lines.append(f"  {capacity_in_words(night.capacity)}")
    return "\n".join(lines)


def headline(night: Forecast) -> str:
    said = f"{night.region.name}, night of {night.run_date}: {night.status}, {count(night.lines, 'line')}."
    if not night.lines:
        return said
    verb = "It ended" if night.complete else "It will be done"
    return f"{said} {verb} {moment(night.ends, night.region.zone)}, {slack_in_words(night.slack)}."


def slack_in_words(slack: float) -> str:
    return f"{duration(abs(slack))} {'before' if slack >= 0 else 'after'} 04:00"


def capacity_in_words(found: Capacity | None) -> str:
    if found is None:
        return (
            f"When the window is full cannot be told by a night of less than {FEWEST_LINES:,} lines"
            f" or {SHORTEST_SECONDS} seconds."
        )
    if found.months <= 0:
        return f"The window is full at {found.full:,} lines a night: it is too small already."
    if found.months > FAR_MONTHS:
        return f"The window is full at {found.full:,} lines a night; 12 % more each year take over ten years to that."
    return (
        f"The window is full at {found.full:,} lines a night; 12 % more each year reach that on {found.on},"
        f" in {found.months:,.0f} months."
    )


def as_json(night: Forecast) -> Json:
    """Times to the whole minute: what was not committed since changes nothing but the clock."""
    return {
        "region": night.region.name,
        "run_date": night.run_date.isoformat(),
        "run": night.run.pk if night.run else None,
        "status": night.status,
        "lines": night.lines,
        "opens": night.window.opens.isoformat(),
        "deadline": night.window.closes.isoformat(),
        "ends": to_minute(night.ends) if night.lines else None,
        "slack_minutes": math.floor(night.slack / 60) if night.lines else None,
        "steps": [
            {
                "name": step.name, "status": step.pace.status, "share": round(step.pace.share, 4),
                "lines_per_second": round(step.rate, 1), "ends": to_minute(step.ends), "forecast": step.expected,
            }
            for step in night.steps
        ],
        "choices": [
            {"from_step": each.step or None, "ends": to_minute(each.ends), "in_time": each.in_time}
            for each in night.choices
        ],
        "capacity": {
            "lines": night.capacity.full, "reached_on": night.capacity.on.isoformat(),
        } if night.capacity else None,
    }  # fmt: skip


def to_minute(at: datetime) -> str:
    return (at + timedelta(seconds=30)).replace(second=0, microsecond=0).isoformat()
