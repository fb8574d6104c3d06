"""The window of a night: from 22:00 of its run date to 04:00 of the next day, in the region's zone."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

OPENS, CLOSES = time(22), time(4)
NOMINAL_SECONDS = 6 * 3600
UNTIL_NEXT = timedelta(hours=18)


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """Both in UTC. On the nights when clocks change it lasts five or seven hours."""

    opens: datetime
    closes: datetime

    def is_past(self, now: datetime) -> bool:
        """Whether the window after this one has opened: nobody can still hurry."""
        return now >= self.closes + UNTIL_NEXT


def window_of(run_date: date, zone: ZoneInfo) -> Window:
    closes_on = run_date + timedelta(days=1)
    return Window(
        opens=datetime.combine(run_date, OPENS, tzinfo=zone).astimezone(UTC),
        closes=datetime.combine(closes_on, CLOSES, tzinfo=zone).astimezone(UTC),
    )


def run_date_at(now: datetime, zone: ZoneInfo) -> date:
    """The night whose window is open, or opens next."""
    local = now.astimezone(zone)
    return local.date() - timedelta(days=local.time() < CLOSES)
