"""What the line of the waitlist has to be, reckoned by comparing times one by one: no cells, no masks, no queries.

For every slot that is freed and fits somebody who waits: the first in line whom it fits is offered it, nobody behind is
offered it before, and what an offer leaves goes to the next.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

QUARTER = timedelta(minutes=15)
VISIT, AFTER = 2 * QUARTER, QUARTER

# ("visit" or "hold", its number) → which doctor has the time, and from when.
Owner = tuple[str, int]
Place = tuple[datetime, int]


@dataclass
class Person:
    """Somebody in line, by the number of the entry; `doctor`: whom they want, None for any of them."""

    entry: int
    earliest: datetime
    latest: datetime
    doctor: int | None
    state: str = "waiting"
    offered: Place | None = None
    hold: int | None = None

    @property
    def wish(self) -> tuple[datetime, datetime, int | None]:
        return self.earliest, self.latest, self.doctor


@dataclass
class Line:
    """`people` in the order in which they joined. The doctors are there from `opens` to `closes`."""

    opens: datetime
    closes: datetime
    doctors: list[int]
    people: list[Person] = field(default_factory=list)
    taken: dict[Owner, Place] = field(default_factory=dict)
    expires: dict[int, datetime] = field(default_factory=dict)

    def free_for(self, person: Person, now: datetime) -> Iterator[Place]:
        """What they could have, the earliest first."""
        begins = self.opens
        while begins + VISIT <= self.closes:
            if begins >= now and begins >= person.earliest and begins + VISIT <= person.latest:
                for doctor in self.doctors if person.doctor is None else [person.doctor]:
                    if self._is_free((begins, doctor)):
                        yield begins, doctor
            begins += QUARTER

    def _is_free(self, place: Place) -> bool:
        begins, doctor = place
        mine = [other for other, whose in self.taken.values() if whose == doctor]
        return all(begins + VISIT + AFTER <= other or other + VISIT + AFTER <= begins for other in mine)

    def offer(self, now: datetime) -> list[Person]:
        """Along the line once; who was offered something just now."""
        told = []
        for person in self.people:
            if person.state == "waiting" and (place := next(self.free_for(person, now), None)) is not None:
                person.state, person.offered = "offered", place
                self.taken["offer", person.entry] = place
                told.append(person)
        return told

    def named(self, person: Person, hold: int, expires: datetime) -> None:
        """The number of the hold in which an offer is kept, and until when."""
        assert person.offered is not None
        self.taken["hold", hold] = self.taken.pop(("offer", person.entry))
        person.hold, self.expires[hold] = hold, expires

    def end(self, hold: int, becomes: str) -> None:
        """A hold is over: its time is free, and who was offered it is out of the line."""
        del self.taken["hold", hold], self.expires[hold]
        for person in self.people:
            if person.hold == hold and person.state == "offered":
                person.state = becomes

    def is_due(self, now: datetime) -> list[int]:
        return [hold for hold, until in self.expires.items() if until <= now]
