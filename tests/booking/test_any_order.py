"""Whatever is done in whatever order: nobody is booked twice, no hold is lost, nobody in line is passed over.

The line is compared with a model of it (tests/booking/model.py), which knows nothing of the product's.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain, combinations, pairwise
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from clinic.booking.book import book, cancel, confirm_hold, hold, release_hold, reschedule
from clinic.booking.desk import expire_holds
from clinic.booking.models import Appointment, Cell, Hold, Resource, WaitlistEntry
from clinic.booking.refusals import Refusal
from clinic.booking.waiting import Waiting, join, withdraw
from tests.booking.model import Line, Person
from tests.booking.world import FRONT_DESK, MINUTE, MONDAY, NOW, Clinic, ResourceFactory, make_clinic

# The morning of one day, in quarters of an hour: few enough that they meet.
QUARTERS = 8
quarters = st.integers(0, QUARTERS - 1)
doctors = st.sampled_from([None, 0, 1])
WAITING, OFFERED = WaitlistEntry.State.WAITING, WaitlistEntry.State.OFFERED


class Desk(RuleBasedStateMachine):
    """Two practitioners, visits of 30 minutes and 15 after, on a clock that the machine itself puts forward."""

    def __init__(self) -> None:
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.clock = time_machine.travel(NOW, tick=False)
        self.now = self.clock.start()
        self.clinic: Clinic = make_clinic(minutes_after=15)
        self.doctors = [self.clinic.doctor, ResourceFactory.create(region=self.clinic.region)]
        for doctor in self.doctors:
            doctor.hours.update(ends="10:00")
        self.promised: dict[int, datetime] = {}
        self.although: set[int] = set()
        doctors = [doctor.pk for doctor in self.doctors]
        self.line = Line(opens=self.at(0), closes=self.at(QUARTERS), doctors=doctors)

    def teardown(self) -> None:
        self.clock.stop()
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)

    def picked(self, rows: Iterable[Any], number: int) -> Any:
        found = list(rows)
        return found[number % len(found)] if found else None

    def at(self, quarter: int) -> datetime:
        return MONDAY + 15 * quarter * MINUTE

    def wanted(self, doctor: int | None) -> list[Resource]:
        return [] if doctor is None else [self.doctors[doctor]]

    @initialize(
        free=quarters, held=st.sets(st.integers(0, 5), max_size=3),
        waiting=st.lists(st.tuples(quarters, st.integers(2, QUARTERS), doctors), max_size=5),
    )  # fmt: skip
    def begins_full(self, free: int, held: set[int], waiting: list[tuple[int, int, int | None]]) -> None:
        """Most of it is taken, if only held, so that whoever joins has to wait."""
        for number, quarter in enumerate((0, 3, 6)):
            for doctor in range(2):
                place = 2 * number + doctor
                if place in held:
                    self.holds(quarter, doctor)
                elif place != free:
                    self.books(quarter, doctor, although=True)
        for wish in waiting:
            self.joins_the_line(*wish)

    @rule(quarter=quarters, doctor=doctors, although=st.booleans())
    def books(self, quarter: int, doctor: int | None, although: bool) -> None:
        wish = replace(self.clinic.wish(self.at(quarter), *self.wanted(doctor)), although_busy=although)
        booked = self._at_the_desk(lambda: book(wish, FRONT_DESK))
        if booked is not None:
            self.line.taken["visit", booked.pk] = place_of(booked)
            if although:
                self.although.add(booked.pk)
        self._offered(self.line.offer(self.now_is()))

    @rule(quarter=quarters, doctor=doctors)
    def holds(self, quarter: int, doctor: int | None) -> None:
        held = self._at_the_desk(lambda: hold(self.clinic.wish(self.at(quarter), *self.wanted(doctor))))
        if held is not None:
            self.promised[held.pk] = held.expires_at
            self.line.taken["hold", held.pk], self.line.expires[held.pk] = place_of(held), held.expires_at

    @rule(number=quarters)
    def confirms_a_hold(self, number: int) -> None:
        held = self.picked(Hold.objects.filter(state="open"), number)
        if held is not None:
            over = held.expires_at <= self.now_is()
            busy = any(each.begins < held.ends and held.begins < each.ends for each in visits_now())
            confirmed = self._at_the_desk(lambda: confirm_hold(held, FRONT_DESK))
            assert (confirmed is None) == (over or busy)
            if over or not busy:
                self.promised.pop(held.pk, None)
            if confirmed is not None:
                self.line.end(held.pk, "booked")
                self.line.taken["visit", confirmed.pk] = place_of(confirmed)

    @rule(number=quarters)
    def releases_a_hold(self, number: int) -> None:
        held = self.picked(Hold.objects.filter(state="open"), number)
        if held is not None:
            over = held.expires_at <= self.now_is()
            self._at_the_desk(lambda: release_hold(held))
            self.promised.pop(held.pk, None)
            if not over:
                self.line.end(held.pk, "withdrawn")
                self._offered(self.line.offer(self.now_is()))

    @rule(number=quarters, quarter=quarters, doctor=doctors)
    def reschedules(self, number: int, quarter: int, doctor: int | None) -> None:
        row = self.picked(Appointment.objects.all(), number)
        if row is not None:
            wanted = frozenset(each.pk for each in self.wanted(doctor))
            version = row.version
            self._at_the_desk(lambda: reschedule(row, self.at(quarter), FRONT_DESK, resources=wanted))
            if row.version != version:
                self.line.taken["visit", row.pk] = place_of(row)
                self._offered(self.line.offer(self.now_is()))

    @rule(number=quarters)
    def cancels(self, number: int) -> None:
        row = self.picked(Appointment.objects.all(), number)
        if row is not None:
            was = row.state
            self._at_the_desk(lambda: cancel(row, FRONT_DESK, "ill"))
            if was != "cancelled":
                del self.line.taken["visit", row.pk]
                self._offered(self.line.offer(self.now_is()))

    @rule(quarter=quarters, lasting=st.integers(2, QUARTERS), doctor=doctors)
    def joins_the_line(self, quarter: int, lasting: int, doctor: int | None) -> None:
        whom = next(iter(self.wanted(doctor)), None)
        wish = Waiting(
            type=self.clinic.check, patient=self.clinic.patient, earliest=self.at(quarter),
            latest=self.at(quarter + lasting), resource=whom,
        )  # fmt: skip
        entry = self._at_the_desk(lambda: join(wish))
        new = Person(entry.pk, wish.earliest, wish.latest, whom.pk if whom else None)
        there = [one.entry for one in self.line.people if one.state in (WAITING, OFFERED) and one.wish == new.wish]
        if there:
            assert there == [entry.pk]
        else:
            self.line.people.append(new)
            self._offered(self.line.offer(self.now_is()))

    @rule(number=quarters)
    def leaves_the_line(self, number: int) -> None:
        entry = self.picked(WaitlistEntry.objects.filter(state__in=(WAITING, OFFERED)), number)
        if entry is not None:
            self._at_the_desk(lambda: withdraw(entry))
            self.promised.pop(entry.hold_id, None)
            (person,) = (one for one in self.line.people if one.entry == entry.pk)
            if person.state == OFFERED and person.hold is not None:
                self.line.end(person.hold, "withdrawn")
            elif person.state == WAITING:
                person.state = "withdrawn"
            self._offered(self.line.offer(self.now_is()))

    @rule(minutes=st.sampled_from([1, 9, 10, 60, 120]))
    def time_passes(self, minutes: int) -> None:
        """Nothing has happened by that alone: what is due ends when the next comes to the desk."""
        self.now.shift(timedelta(minutes=minutes))

    @rule(minutes=st.sampled_from([0, 10, 120]))
    def somebody_looks_at_the_calendar(self, minutes: int) -> None:
        """So much later: holds last ten minutes, offers two hours."""
        self.now.shift(timedelta(minutes=minutes))
        self._at_the_desk(lambda: expire_holds(self.clinic.region))

    def _at_the_desk(self, act: Any) -> Any:
        """What is due ends, and is offered on, before anything else is done, also if that is refused (None)."""
        for held in self.line.is_due(self.now_is()):
            self.line.end(held, "lapsed")
        offered = self.line.offer(self.now_is())
        try:
            return act()
        except Refusal:
            return None
        finally:
            self._offered(offered)

    def _offered(self, people: list[Person]) -> None:
        """The holds in which the offers are kept; nobody is offered what is over at once."""
        for person in people:
            held = WaitlistEntry.objects.get(pk=person.entry).hold
            assert held is not None, f"{person} was passed over"
            assert held.expires_at > self.now_is()
            self.line.named(person, held.pk, held.expires_at)

    @invariant()
    def nobody_is_booked_twice(self) -> None:
        owners = list(owners_now())
        taken = [(owner.begins, owner.ends + 15 * MINUTE, owner.resources.get().pk) for owner in owners]
        for doctor in self.doctors:
            spans = sorted((begins, ends) for begins, ends, mine in taken if mine == doctor.pk)
            assert all(one[1] <= other[0] for one, other in pairwise(spans)), spans
        assert Cell.objects.count() == sum(int((ends - begins) / (5 * MINUTE)) for begins, ends, _ in taken)

    @invariant()
    def nobody_has_two_visits_at_one_time(self) -> None:
        """There is one patient: of two visits that meet, one was booked although."""
        for one, other in combinations(visits_now(), 2):
            if one.begins < other.ends and other.begins < one.ends:
                assert self.although & {one.pk, other.pk}, (one.pk, other.pk)

    @invariant()
    def no_hold_is_lost(self) -> None:
        """Before its time is over it is open with all its cells."""
        kept = {pk for pk, until in self.promised.items() if until > self.now_is()}
        assert set(Hold.objects.filter(pk__in=kept, state="open").values_list("pk", flat=True)) == kept

    @invariant()
    def nobody_in_line_is_passed_over(self) -> None:
        """The first whom it fits has been offered whatever was freed: just so do they all stand."""
        entries = WaitlistEntry.objects.select_related("hold")
        stands = {each.pk: (each.state, place_of(each.hold) if each.hold else None) for each in entries}
        assert stands == {each.entry: (each.state, each.offered) for each in self.line.people}
        taken = {("hold" if isinstance(each, Hold) else "visit", each.pk): place_of(each) for each in owners_now()}
        assert taken == self.line.taken

    def now_is(self) -> datetime:
        return timezone.now()


def visits_now() -> list[Appointment]:
    """Who is expected or there."""
    return list(Appointment.objects.exclude(state__in=("cancelled", "missed")))


def owners_now() -> Iterable[Appointment | Hold]:
    """Whoever has time."""
    return chain(Appointment.objects.exclude(state="cancelled"), Hold.objects.filter(state="open"))


def place_of(owner: Appointment | Hold) -> tuple[datetime, int]:
    """When it begins, with which doctor."""
    return owner.begins, owner.resources.get().pk


@pytest.mark.slow
@pytest.mark.django_db
def test_any_order_keeps_what_was_promised() -> None:
    run_state_machine_as_test(
        Desk,
        settings=settings(max_examples=25, stateful_step_count=25, suppress_health_check=list(HealthCheck)),
    )
