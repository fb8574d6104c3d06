"""In what order a thread is told: by the day of what is said, and within a day as a claim goes from visit to dollars.

Answers that were fetched together were stored within a second, in any order: when that was says nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from billing.models import Claim, ClaimEvent
from billing.restating import event_of
from claims.edi.status import ADJUDICATED, RANKS, State, in_order

BEFORE = {"visit": 0, "service": 1, "claim": 2}
TESTED, STATED = 3, 100  # a test stands before what is said of the claim itself
WITHOUT_STATE = {"ours": State.VALIDATED, "batch": State.BATCHED}
Place = tuple[str, int, int, datetime]


class Told(Protocol):
    """A thread's entry, as far as it is ordered. `day`: ISO, of what is said; empty where only `at` is known."""

    @property
    def at(self) -> datetime: ...
    @property
    def day(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def claim(self) -> int | None: ...
    @property
    def event(self) -> int: ...
    @property
    def test(self) -> bool: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """`versions`: the place of each claim among them; `since`: the day on which it was made, and its batch, before
    which no answer to it was given, whatever the answer is dated; `decided`: the place of each adjudication."""

    zone: ZoneInfo
    versions: Mapping[int, int]
    since: Mapping[tuple[int, bool], str]
    decided: Mapping[int, int]

    def place(self, entry: Told) -> Place:
        day = _day(entry.at, self.zone)
        if entry.day:
            day = max(entry.day, self.since.get((entry.claim or 0, entry.test), ""))
        return day, self.versions.get(entry.claim or 0, 0), self._step(entry), entry.at

    def _step(self, entry: Told) -> int:
        if entry.kind in BEFORE:
            return BEFORE[entry.kind]
        state = State(entry.state) if entry.state in RANKS else WITHOUT_STATE.get(entry.kind, State.UPLOADED)
        step = RANKS[State.PAID] + self.decided.get(entry.event, 0) if state in ADJUDICATED else RANKS[state]
        return TESTED + step if entry.test else STATED + step


def order_of(claims: Sequence[Claim], events: Iterable[ClaimEvent], zone: ZoneInfo) -> Order:
    since = {}
    for one in claims:
        since[one.pk, True] = _day(one.created_at, zone)
        since[one.pk, False] = _day(one.batch_set.batch.created_at if one.batch_set else one.created_at, zone)
    return Order(
        zone=zone,
        versions={one.pk: number for number, one in enumerate(claims)},
        since=since,
        decided=_decided([event for event in events if event.state in ADJUDICATED]),
    )


def _decided(adjudications: Sequence[ClaimEvent]) -> dict[int, int]:
    """Those of each claim in the order in which they count (claims.edi.status.in_order)."""
    found: dict[int, int] = {}
    for claim in {event.claim_id for event in adjudications}:
        own = {event.key: event for event in adjudications if event.claim_id == claim}
        places = enumerate(in_order(event_of(event) for event in own.values()))
        found |= {own[event.key].pk: number for number, event in places}
    return found


def _day(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).date().isoformat()
