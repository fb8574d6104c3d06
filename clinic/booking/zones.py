"""A region's days and wall-clock times as instants, on the days of 23 and of 25 hours as well.

A time that comes twice is meant the first time; one that does not come is the moment at which the clock skips it.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

# Nobody is told anything between these, by the clock of where they are.
QUIET_FROM, QUIET_UNTIL = time(21), time(8)


def instant_at(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """When the clock shows that time on that day there, in UTC."""
    naive = datetime.combine(day, clock)
    instant = naive.replace(tzinfo=zone).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == naive:
        return instant
    # Skipped: the clock was put forward between these two.
    low, high = naive.replace(tzinfo=zone, fold=1).astimezone(UTC), instant
    while high - low > timedelta(minutes=1):
        middle = low + (high - low) // 2
        if middle.astimezone(zone).replace(tzinfo=None) < naive:
            low = middle
        else:
            high = middle
    return high.replace(second=0, microsecond=0)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """When the day begins there."""
    return instant_at(day, time(), zone)


def span_at(day: date, begins: time, ends: time, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """From when to when a span of that day lasts; 00:00 as its end is the end of the day."""
    over = midnight(next_day(day), zone) if ends == time() else instant_at(day, ends, zone)
    return instant_at(day, begins, zone), over


def next_day(day: date) -> date:
    return day + timedelta(days=1)


def days_between(begins: datetime, ends: datetime, zone: ZoneInfo) -> list[date]:
    """The days there of which a part lies between two instants."""
    day, found = begins.astimezone(zone).date(), []
    while midnight(day, zone) < ends:
        found.append(day)
        day = next_day(day)
    return found


def is_quiet(at: datetime, zone: ZoneInfo) -> bool:
    """Whether it is night there: from 21:00 to 08:00."""
    clock = at.astimezone(zone).time()
    return clock >= QUIET_FROM or clock < QUIET_UNTIL


def next_clock(at: datetime, clock: time, zone: ZoneInfo) -> datetime:
    """When the clock there shows that time next, or now."""
    day = at.astimezone(zone).date()
    today = instant_at(day, clock, zone)
    return today if today >= at else instant_at(day + timedelta(days=1), clock, zone)


def not_at_night(at: datetime, zone: ZoneInfo) -> datetime:
    """The same moment, or 08:00 after the night that it falls into."""
    return next_clock(at, QUIET_UNTIL, zone) if is_quiet(at, zone) else at
