"""The waitlist's line: who is passed over, who is in it twice, and how long an offer holds."""

from datetime import timedelta

import pytest
import time_machine
from rest_framework.test import APIClient

from clinic.booking.book import book, cancel, confirm_hold, hold
from clinic.booking.models import Hold, WaitlistEntry
from clinic.booking.refusals import HoldOver
from clinic.booking.waiting import Waiting, join
from clinic.patients.models import Patient
from tests.booking.test_api import post
from tests.booking.world import FRONT_DESK, MINUTE, MONDAY, NOW, Clinic, ResourceFactory, TypeFactory

pytestmark = pytest.mark.django_db
State = WaitlistEntry.State


def waits(clinic: Clinic, first: int, last: int, patient: Patient | None = None, **of: object) -> WaitlistEntry:
    """From so many minutes after eight o'clock to so many."""
    wish = {"type": clinic.check, "patient": patient or clinic.patient, **of}
    return join(Waiting(earliest=MONDAY + first * MINUTE, latest=MONDAY + last * MINUTE, **wish))  # type: ignore[arg-type]


@pytest.mark.parametrize(("before", "after", "first", "last"), [(0, 15, 0, 30), (15, 0, 60, 90)])
def test_who_lacked_no_more_than_a_buffer_is_offered_the_time(
    clinic: Clinic, other_patient: Patient, before: int, after: int, first: int, last: int
) -> None:
    """The cancelled visit lies from 30 to 60 minutes: only the other's buffer was in its way."""
    careful = TypeFactory.create(region=clinic.region, minutes_before=before, minutes_after=after)
    visit = book(clinic.wish(MONDAY + 30 * MINUTE), FRONT_DESK)
    entry = waits(clinic, first, last, other_patient, type=careful)
    assert entry.state == State.WAITING
    cancel(visit, FRONT_DESK, "ill")
    entry.refresh_from_db()
    assert entry.state == State.OFFERED


def test_who_joins_for_the_same_twice_is_in_line_once(clinic: Clinic) -> None:
    """A double click would keep two practitioners from all others."""
    ResourceFactory.create(region=clinic.region)
    first, second = waits(clinic, 0, 30), waits(clinic, 0, 30)
    assert (first.pk, Hold.objects.count()) == (second.pk, 1)
    assert waits(clinic, 0, 60).pk != first.pk
    confirm_hold(Hold.objects.get(waited=first), FRONT_DESK)
    assert waits(clinic, 0, 30).pk != first.pk


def test_an_offer_holds_no_longer_than_until_its_time_begins(clinic: Clinic, now: time_machine.Traveller) -> None:
    """By night it counts from eight o'clock: a visit that began at half past could be confirmed until ten."""
    now.move_to(MONDAY - timedelta(hours=10))
    entry = waits(clinic, 30, 60)
    assert entry.hold is not None
    assert entry.hold.expires_at == entry.hold.begins == MONDAY + 30 * MINUTE
    now.move_to(MONDAY + 31 * MINUTE)
    with pytest.raises(HoldOver):
        confirm_hold(entry.hold, FRONT_DESK)


def test_a_hold_ends_with_the_beginning_of_its_time_too(clinic: Clinic, now: time_machine.Traveller) -> None:
    """A visit of eight o'clock, held five minutes before, could be confirmed at five past."""
    now.move_to(MONDAY - 5 * MINUTE)
    held = hold(clinic.wish())
    assert held.expires_at == held.begins == MONDAY
    now.move_to(MONDAY)
    with pytest.raises(HoldOver):
        confirm_hold(held, FRONT_DESK)


def test_nobody_joins_for_a_time_that_is_over(clinic: Clinic, api: APIClient) -> None:
    wish = {"type": clinic.check.pk, "patient": clinic.patient.pk}
    times = {"earliest": (NOW - 60 * MINUTE).isoformat(), "latest": NOW.isoformat()}
    assert "That time is over." in str(post(api, "waitlist/", {**wish, **times}, 400))
    assert not WaitlistEntry.objects.exists()


def test_an_offer_of_this_very_moment_holds_for_a_minute(clinic: Clinic, now: time_machine.Traveller) -> None:
    now.move_to(MONDAY, tick=False)
    entry = waits(clinic, 0, 30)
    assert entry.hold is not None
    assert entry.hold.expires_at == MONDAY + MINUTE


def test_a_confirmation_at_the_moment_of_expiry_finds_the_offer_over_and_the_next_has_it(
    clinic: Clinic, other_patient: Patient, now: time_machine.Traveller
) -> None:
    entry, other = waits(clinic, 0, 30), waits(clinic, 0, 30, other_patient)
    assert entry.hold is not None
    now.move_to(entry.hold.expires_at, tick=False)
    with pytest.raises(HoldOver):
        confirm_hold(entry.hold, FRONT_DESK)
    for one in (entry, other):
        one.refresh_from_db()
    assert (entry.state, other.state) == (State.LAPSED, State.OFFERED)
