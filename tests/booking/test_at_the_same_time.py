"""Nobody is booked twice, however many try at the same moment: the database says so, with and without the desk."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from clinic.booking import holding
from clinic.booking.book import book, cancel
from clinic.booking.cells import instant_of
from clinic.booking.models import Appointment, Cell, Hold, Move
from clinic.booking.refusals import MoveNotAllowed, SlotTaken
from clinic.booking.slots import Slot
from tests.booking.crowd import crowd
from tests.booking.world import FRONT_DESK, MINUTE, MONDAY, Clinic

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
PROCESSES, TIMES = 20, 10


def test_of_200_bookings_of_one_slot_one_wins(clinic: Clinic) -> None:
    """[S4-02]"""

    def act() -> str:
        try:
            book(clinic.wish(MONDAY), FRONT_DESK)
        except SlotTaken:
            return "taken"
        return "booked"

    assert crowd(PROCESSES, TIMES, act) == {"booked": 1, "taken": PROCESSES * TIMES - 1}
    appointment = Appointment.objects.get()
    assert Cell.objects.filter(appointment=appointment).count() == 6
    assert Move.objects.count() == 1


def test_of_200_that_pass_the_desk_by_one_wins(clinic: Clinic) -> None:
    """Without the look at what is free, and without the lock: what is left is the unique row for each cell."""
    slot = Slot(type=clinic.check, begins=MONDAY, resources=(clinic.doctor,))

    def act() -> str:
        try:
            with transaction.atomic():
                holding.keep(slot, clinic.patient, timezone.now() + 10 * MINUTE)
        except SlotTaken:
            return "taken"
        return "held"

    assert crowd(PROCESSES, TIMES, act) == {"held": 1, "taken": PROCESSES * TIMES - 1}
    assert Hold.objects.get().cells.count() == 6


def test_many_that_take_overlapping_times_share_the_morning(clinic: Clinic) -> None:
    """Each process books whatever is free next, and cancels half of it again: no cell is lost or taken twice."""

    def act() -> str:
        for step in range(0, 240, 30):
            try:
                booked = book(clinic.wish(MONDAY + timedelta(minutes=step)), FRONT_DESK)
            except SlotTaken:
                continue
            if booked.pk % 2:
                cancel(booked, FRONT_DESK, "not needed")
                return "cancelled"
            return "booked"
        return "full"

    said = crowd(4, 3, act)
    assert set(said) <= {"booked", "cancelled", "full"}
    kept = Appointment.objects.exclude(state="cancelled")
    assert kept.count() == said["booked"]
    assert Cell.objects.count() == 6 * kept.count()
    for appointment in kept:
        numbers = sorted(appointment.cells.values_list("number", flat=True))
        assert instant_of(numbers[0]) == appointment.begins
        assert instant_of(numbers[-1] + 1) == appointment.ends


def test_one_of_20_that_cancel_does(clinic: Clinic) -> None:
    appointment = book(clinic.wish(MONDAY), FRONT_DESK)

    def act() -> str:
        try:
            cancel(Appointment.objects.get(pk=appointment.pk), FRONT_DESK, "ill")
        except MoveNotAllowed:
            return "too late"
        return "cancelled"

    assert crowd(PROCESSES, 1, act) == {"cancelled": 1, "too late": PROCESSES - 1}
    assert list(Move.objects.values_list("after", flat=True)) == ["booked", "cancelled"]


def test_the_database_refuses_a_cell_that_is_taken(clinic: Clinic) -> None:
    book(clinic.wish(MONDAY), FRONT_DESK)
    cell = Cell.objects.first()
    assert cell is not None
    with pytest.raises(IntegrityError), transaction.atomic():
        Cell.objects.create(resource=clinic.doctor, number=cell.number, appointment=cell.appointment)
    with pytest.raises(IntegrityError), transaction.atomic():
        Cell.objects.create(resource=clinic.doctor, number=cell.number - 1)
