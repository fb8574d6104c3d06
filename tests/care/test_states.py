"""Appointments, looked at when they are due and an hour after (contract S3-07, S3-18, S3-21)."""

from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine

from clinic.booking.book import book, cancel, move, reschedule
from clinic.booking.models import Appointment, Move
from clinic.booking.states import State
from clinic.booking.waiting import Waiting, join
from clinic.care.models import StateCheck
from clinic.care.states import tracking
from clinic.events.models import Outbox
from tests.booking.world import FRONT_DESK, MINUTE, MONDAY, NOW, Clinic, make_clinic
from tests.care.world import outcomes
from tests.running import finish, start

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def clinic(db: None) -> Clinic:
    with time_machine.travel(NOW, tick=True):
        return make_clinic()


def track(clinic: Clinic, minutes: int) -> dict[str, int]:
    """What a run finds that many minutes after Monday's first appointment."""
    with time_machine.travel(MONDAY + minutes * MINUTE, tick=True):
        run = finish(start("track_appointment_states", clinic.region))
    assert run.status == "complete"
    return outcomes(run)


def booked(clinic: Clinic, minutes: int = 0) -> Appointment:
    with time_machine.travel(NOW, tick=True):
        return book(clinic.wish(MONDAY + minutes * MINUTE), FRONT_DESK)


def test_who_has_not_come_within_an_hour_is_missed(clinic: Clinic) -> None:
    appointment = booked(clinic)
    assert track(clinic, -1) == {}
    assert track(clinic, 1) == {"noted": 1}
    assert track(clinic, 59) == {}
    assert track(clinic, 61) == {"missed": 1}
    assert track(clinic, 62) == {}
    appointment.refresh_from_db()
    assert appointment.state == State.MISSED
    last = Move.objects.latest("version")
    assert (last.before, last.after, last.through) == ("booked", "missed", "track_appointment_states")
    assert Outbox.objects.filter(type="appointment.missed").count() == 1
    looks = StateCheck.objects.order_by("minutes").values_list("minutes", "state", "missed")
    assert list(looks) == [(0, "booked", False), (60, "booked", True)]


def test_who_waited_for_a_time_that_is_over_has_left_the_line(clinic: Clinic) -> None:
    """The list of who waits is of those who can still be given something."""
    booked(clinic)
    wish = Waiting(type=clinic.check, patient=clinic.patient, earliest=MONDAY, latest=MONDAY + 30 * MINUTE)
    with time_machine.travel(NOW, tick=True):
        over, still = join(wish), join(replace(wish, latest=MONDAY + 44 * MINUTE))
    assert (over.state, still.state) == ("waiting", "waiting")
    track(clinic, 31)
    for entry in (over, still):
        entry.refresh_from_db()
    assert (over.state, still.state) == ("lapsed", "waiting")


def test_who_came_or_cancelled_is_noted(clinic: Clinic) -> None:
    came, cancelled = booked(clinic), booked(clinic, 30)
    with time_machine.travel(MONDAY, tick=True):
        move(came, State.ARRIVED, FRONT_DESK)
        cancel(cancelled, FRONT_DESK, "ill")
    assert track(clinic, 95) == {"came": 2}
    assert track(clinic, 96) == {}
    came.refresh_from_db()
    assert came.state == State.ARRIVED


def test_another_time_is_looked_at_anew(clinic: Clinic) -> None:
    appointment = booked(clinic)
    assert track(clinic, 1) == {"noted": 1}
    with time_machine.travel(MONDAY + 2 * MINUTE, tick=True):
        reschedule(appointment, MONDAY + 60 * MINUTE, FRONT_DESK)
    assert track(clinic, 62) == {"noted": 1}
    assert track(clinic, 121) == {"missed": 1}


def test_after_thirty_hours_of_downtime_who_is_missed_is_missed(clinic: Clinic) -> None:
    booked(clinic)
    booked(clinic, 60)
    assert track(clinic, 30 * 60) == {"missed": 2}
    assert not StateCheck.objects.filter(minutes=0).exists()


def test_what_changes_between_the_look_and_the_move_is_left_alone(clinic: Clinic) -> None:
    appointment = booked(clinic)
    stale = Appointment.objects.get(pk=appointment.pk)
    with time_machine.travel(MONDAY + timedelta(hours=2), tick=True):
        move(appointment, State.ARRIVED, FRONT_DESK)
        assert tracking._looked_at(tracking.Look(appointment=stale, minutes=60)) == "changed_meanwhile"
    assert not StateCheck.objects.exists()
    appointment.refresh_from_db()
    assert appointment.state == State.ARRIVED


def test_another_regions_appointments_are_its_own(clinic: Clinic) -> None:
    with time_machine.travel(NOW, tick=True):
        other = make_clinic()
    booked(other)
    assert track(clinic, 61) == {}
