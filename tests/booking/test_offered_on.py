"""[S4-02] Whatever is freed, in whichever way, is offered to the first in line whom it fits, and then to the next."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import pytest
import time_machine

from clinic.booking.book import book, cancel, hold, release_hold, reschedule
from clinic.booking.desk import expire_holds
from clinic.booking.models import Hold, WaitlistEntry
from clinic.booking.waiting import Waiting, join, withdraw
from clinic.events.models import Outbox
from tests.booking.world import FRONT_DESK, MINUTE, MONDAY, Clinic, PatientFactory

HALF = 30 * MINUTE
pytestmark = pytest.mark.django_db


@dataclass
class Full:
    """A doctor who is there for three visits: the first is taken, the second is free, for the third nobody waits."""

    clinic: Clinic
    clock: time_machine.Traveller

    def wait(self, begins: datetime = MONDAY, ends: datetime = MONDAY + HALF) -> WaitlistEntry:
        """Another patient at the end of the line."""
        patient = PatientFactory.create(region=self.clinic.region)
        return join(Waiting(type=self.clinic.check, patient=patient, earliest=begins, latest=ends))

    def wait_for(self, minutes: int) -> None:
        """So long; then the next comes to the desk."""
        self.clock.shift(minutes * MINUTE)
        expire_holds(self.clinic.region)

    def offered(self, *line: WaitlistEntry) -> list[tuple[str, datetime | None]]:
        """How each of them stands, and what is held for them."""
        rows = {row.pk: row for row in WaitlistEntry.objects.select_related("hold")}
        return [(rows[one.pk].state, held.begins if (held := rows[one.pk].hold) else None) for one in line]


@pytest.fixture
def full(clinic: Clinic, now: time_machine.Traveller) -> Full:
    clinic.doctor.hours.update(ends="09:30")
    return Full(clinic, now)


def cancelled(full: Full) -> Callable[[], object]:
    visit = book(full.clinic.wish(), FRONT_DESK)
    return lambda: cancel(visit, FRONT_DESK, "ill")


def moved(full: Full) -> Callable[[], object]:
    visit = book(full.clinic.wish(), FRONT_DESK)
    return lambda: reschedule(visit, MONDAY + HALF, FRONT_DESK)


def released(full: Full) -> Callable[[], object]:
    held = hold(full.clinic.wish())
    return lambda: release_hold(held)


def expired(full: Full) -> Callable[[], object]:
    hold(full.clinic.wish())
    return lambda: full.wait_for(10)


def declined(full: Full) -> Callable[[], object]:
    entry = full.wait()
    return lambda: withdraw(entry)


def lapsed(full: Full) -> Callable[[], object]:
    full.wait()
    return lambda: full.wait_for(120)


WAYS = [cancelled, moved, released, expired, declined, lapsed]


@pytest.mark.parametrize("way", WAYS)
def test_what_is_freed_is_offered_to_the_first_in_line_whom_it_fits(
    full: Full, way: Callable[[Full], Callable[[], object]]
) -> None:
    free = way(full)
    line = [full.wait(MONDAY + 2 * HALF, MONDAY + 2 * HALF + 5 * MINUTE), full.wait(), full.wait(), full.wait()]
    assert full.offered(*line) == [("waiting", None)] * 4
    before = Outbox.objects.filter(type="waitlist.offered").count()
    free()
    assert full.offered(*line) == [("waiting", None), ("offered", MONDAY), ("waiting", None), ("waiting", None)]
    assert [row.data["entry"] for row in Outbox.objects.filter(type="waitlist.offered").order_by("pk")[before:]] == [
        line[1].pk
    ]


def test_what_the_first_lets_lapse_goes_to_the_next_and_on_to_the_last(full: Full) -> None:
    free = cancelled(full)
    line = [full.wait(), full.wait(), full.wait()]
    free()
    for number in range(len(line)):
        states = ["lapsed"] * number + ["offered"] + ["waiting"] * (len(line) - number - 1)
        assert [state for state, _ in full.offered(*line)] == states
        full.wait_for(120)
    assert not Hold.objects.filter(state="open").exists()


def test_nobody_is_offered_what_the_first_in_line_holds(full: Full) -> None:
    free = cancelled(full)
    first, second = full.wait(), full.wait()
    free()
    full.wait_for(119)
    assert full.offered(first, second) == [("offered", MONDAY), ("waiting", None)]


def test_of_two_holds_that_expire_at_once_the_first_in_line_gets_theirs_before_another_lies_across(full: Full) -> None:
    """08:00 and 08:30 expire together: who was first fits the second of them only, who came after lies across both."""
    other = PatientFactory.create(region=full.clinic.region)
    hold(full.clinic.wish(MONDAY))
    hold(full.clinic.wish(MONDAY + HALF, patient=other))
    line = [full.wait(MONDAY + HALF, MONDAY + 2 * HALF), full.wait(MONDAY + HALF / 2, MONDAY + 3 * HALF / 2)]
    assert full.offered(*line) == [("waiting", None)] * 2
    full.wait_for(10)
    assert full.offered(*line) == [("offered", MONDAY + HALF), ("waiting", None)]
