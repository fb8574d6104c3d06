"""Which messages a month owes and when, reckoned from what was done in it: no function and no row of the product's.

All that happens in the month happens on the hour, and visits begin on the half hour: times are found by walking along
the clock, half an hour after another, and looking at it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

HALF, HOUR, DAY = timedelta(minutes=30), timedelta(hours=1), timedelta(days=1)
CLINIC = ZoneInfo("America/Los_Angeles")
EXPECTED = ("booked", "confirmed", "rescheduled")
# A message by its visit, its kind, and the moment at which it was due.
Key = tuple[int, str, datetime]
# From when on, in which state, beginning when.
Stood = tuple[datetime, str, datetime]


@dataclass(frozen=True, slots=True)
class Said:
    """Something that is told of a visit: what, when it was done, and when the visit begins since."""

    at: datetime
    visit: int
    kind: str
    begins: datetime


@dataclass
class Done:
    """What was done in a month. `sends`: when a sender ran; `disturbed`: when a sender or the vendor failed; by visit:
    `zones`, of its patient, and `stood`, how it stood at the end of an hour, as far as anybody looked."""

    said: list[Said] = field(default_factory=list)
    sends: list[datetime] = field(default_factory=list)
    disturbed: set[datetime] = field(default_factory=set)
    zones: dict[int, ZoneInfo] = field(default_factory=dict)
    stood: dict[int, list[Stood]] = field(default_factory=dict)

    def state(self, visit: int, at: datetime) -> tuple[str, datetime]:
        """How it stood at the end of that hour."""
        _, state, begins = [one for one in self.stood[visit] if one[0] <= at][-1]
        return state, begins


def owed(done: Done) -> Iterator[tuple[Key, datetime]]:
    """Each message that goes to who can be reached, and the hour in which it goes."""
    for key, until, begins, known in wanted(done):
        visit, _, moment = key
        hour = next((at for at in done.sends if at >= moment and is_day(at, done.zones[visit])), None)
        if hour is not None and hour <= until and is_true(done, key, begins, known, hour):
            yield key, hour


def wanted(done: Done) -> Iterator[tuple[Key, datetime, datetime, datetime]]:
    """(the message, until when it is of use, when the visit begins that it tells of, since when that is known)."""
    told = {}
    for said in done.said:
        zone = done.zones[said.visit]
        moment = by_day(said.at, zone)
        until = moment + DAY if said.kind == "missed" else said.begins
        # Of two times given in one night the last is told in the morning.
        told[said.visit, said.kind, moment] = (until, said.begins, said.at)
        if said.kind in ("confirmation", "reschedule"):
            yield from reminders(said, zone)
    for key, (until, begins, at) in told.items():
        yield key, until, begins, at


def reminders(said: Said, zone: ZoneInfo) -> Iterator[tuple[Key, datetime, datetime, datetime]]:
    """At eight of the visit's day and two hours before, by day; not what was over when the visit was given its time."""
    latest = said.begins - HALF
    eight = eight_of_the_day(said.begins)
    morning = by_day(eight, zone)
    if morning > latest:
        morning = evening_before(min(eight, latest), zone)
    before = by_day(said.begins - 2 * HOUR, zone)
    if before != said.begins - 2 * HOUR and (before > latest or before == morning):
        before = evening_before(said.begins - 2 * HOUR, zone)
    if morning >= said.at:
        yield (said.visit, "reminder_morning", morning), before if before > morning else latest, said.begins, said.at
    if before != morning and before >= said.at:
        yield (said.visit, "reminder_before", before), morning if morning > before else latest, said.begins, said.at


def is_true(done: Done, key: Key, begins: datetime, known: datetime, hour: datetime) -> bool:
    """Whether the message tells how the visit stands, and has done so since it was known."""
    visit, kind, _ = key
    state, _ = done.state(visit, hour)
    if kind in ("cancellation", "missed"):
        return state == {"cancellation": "cancelled", "missed": "missed"}[kind]
    if state in ("cancelled", "missed") or (kind.startswith("reminder") and state not in EXPECTED):
        return False
    hours = int((hour - known) / HOUR)
    return all(done.state(visit, known + HOUR * number)[1] == begins for number in range(hours + 1))


def is_day(at: datetime, zone: ZoneInfo) -> bool:
    return 8 <= at.astimezone(zone).hour < 21


def by_day(at: datetime, zone: ZoneInfo) -> datetime:
    """Then, or when the night is over."""
    while not is_day(at, zone):
        at += HALF
    return at


def eight_of_the_day(begins: datetime) -> datetime:
    """Eight o'clock of the visit's day, by the clinic's clock."""
    day, at = begins.astimezone(CLINIC).date(), begins - DAY
    while (local := at.astimezone(CLINIC)).date() != day or (local.hour, local.minute) != (8, 0):
        at += HALF
    return at


def evening_before(at: datetime, zone: ZoneInfo) -> datetime:
    """When it was eight in the evening there last."""
    at -= HALF
    while (local := at.astimezone(zone)).hour != 20 or local.minute:
        at -= HALF
    return at
