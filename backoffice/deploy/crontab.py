"""What the clock starts: the clinic's schedule, and what belongs to no region; for run_schedule and CronJobs alike."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from backoffice.runs.faults import Misuse
from clinic.care.models import CommandState
from clinic.care.schedule.registry import DAY, HOUR, MINUTE, noted, schedule
from regions.models import Region

# It runs as a worker, beside the consumers that wait for what it publishes.
AS_WORKERS = frozenset({"publish_events"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A command that is due `past` each full `every`, counted from midnight in UTC. `regions`: started for each of
    these; None: once."""

    command: str
    every: timedelta
    past: timedelta = timedelta(0)
    regions: Callable[[], Iterable[Region]] | None = None

    @property
    def cron(self) -> str:
        """The same as an expression of cron, in UTC."""
        past, every = self.past // MINUTE, self.every // MINUTE
        if every == 1:
            return "* * * * *"
        if self.every < HOUR:
            return f"{past}-59/{every} * * * *" if past else f"*/{every} * * * *"
        return f"{past % 60} * * * *" if self.every == HOUR else f"{past % 60} {past // 60} * * *"

    def slot(self, now: datetime) -> datetime:
        """When it was due the last time."""
        since = (now - datetime(1970, 1, 1, tzinfo=UTC) - self.past) % self.every
        return now - since

    def is_due(self, now: datetime) -> bool:
        """Whether that is in this minute."""
        return now - self.slot(now) < MINUTE

    def lines(self) -> list[tuple[str, ...]]:
        """What manage.py is given, once for each region."""
        if self.regions is None:
            return [(self.command,)]
        return [(self.command, "--region", region.name) for region in self.regions()]

    def missed(self, now: datetime) -> list[tuple[str, ...]]:
        """The lines that were due and did not begin, of a command that is not due again soon."""
        if self.every < HOUR or self.command not in noted():
            return []
        began = CommandState.objects.filter(command=self.command, began_at__gte=self.slot(now))
        regions = set(began.values_list("region__name", flat=True))
        return [line for line in self.lines() if (line[-1] if len(line) > 1 else None) not in regions]


# What is no part of the clinic's schedule: it belongs to no region, or runs for all of them.
ALSO = (
    Entry(command="check_alerts", every=MINUTE),
    Entry(command="abandon_stale_runs", every=MINUTE),
    Entry(command="forget_phones", every=DAY, past=3 * HOUR + 10 * MINUTE),
)


def entries() -> list[Entry]:
    """All that the clock starts."""
    return [
        Entry(
            command=each.command,
            every=each.every,
            past=each.past,
            regions=None if each.at_once else each.regions,
        )
        for each in schedule().values()
        if each.command not in AS_WORKERS
    ] + list(ALSO)


def entry_named(command: str) -> Entry:
    """Misuse lists the names when there is none such."""
    known = {entry.command: entry for entry in entries()}
    if command not in known:
        raise Misuse(f"{command!r} is not in the schedule. In it are: {', '.join(sorted(known))}.")
    return known[command]
