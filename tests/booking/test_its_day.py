"""Nobody arrives before the day of the visit, by the region's clock; afterwards staff say who came, a portal cannot."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from redis import Redis
from rest_framework.test import APIClient

from clinic.booking.book import book
from clinic.booking.models import Appointment
from regions.models import ApiToken
from tests.booking.conftest import Portal
from tests.booking.test_api import post, wish
from tests.booking.test_pages import signed_in
from tests.booking.told import handle_all, tell
from tests.booking.world import FRONT_DESK, MINUTE, MONDAY, Clinic

Clock = time_machine.Traveller
SAYS = "A patient is checked in on the day of the visit, by the region's clock; staff may enter it afterwards as well."
NOT_BEGUN = "A visit can be missed once it has begun. Who says before that they do not come gives it up: cancel it."
# Chicago is six hours behind UTC: its Monday, 2 March, ends on Tuesday at 06:00.
FIRST, LAST = datetime(2026, 3, 2, 6, tzinfo=UTC), datetime(2026, 3, 3, 5, 59, tzinfo=UTC)


@pytest.fixture
def portal(portal: Portal, api: APIClient) -> Portal:
    """Its token, and that of staff, are good beyond the day."""
    ApiToken.objects.update(expires_at=LAST + timedelta(days=1))
    return portal


@pytest.mark.parametrize("at", [FIRST, MONDAY, LAST])
def test_on_its_day_a_patient_is_checked_in(clinic: Clinic, portal: Portal, now: Clock, at: datetime) -> None:
    row = book(clinic.wish(MONDAY), FRONT_DESK)
    now.move_to(at)
    assert post(portal(), f"appointments/{row.pk}/check-in/", {})["state"] == "arrived"


def test_before_its_day_nobody_is(clinic: Clinic, api: APIClient, portal: Portal, now: Clock) -> None:
    """Whether at the desk or over the portal, by checking in or by a move; nor one of years ahead."""
    ahead = post(api, "appointments/", wish(clinic, MONDAY + timedelta(days=4 * 364)), 201)
    row = book(clinic.wish(MONDAY), FRONT_DESK)
    now.move_to(FIRST - timedelta(seconds=1))
    for path in (f"appointments/{ahead['id']}", f"appointments/{row.pk}"):
        for client in (api, portal()):
            error = post(client, f"{path}/check-in/", {}, 409)["error"]
            assert (error["code"], error["message"]) == ("not_its_day", SAYS)
        assert post(api, f"{path}/move/", {"to": "arrived"}, 409)["error"]["code"] == "not_its_day"
    assert set(Appointment.objects.values_list("state", flat=True)) == {"booked"}


def test_a_visit_is_missed_once_it_has_begun(clinic: Clinic, api: APIClient, now: Clock) -> None:
    """Not ahead of its time, over the API or in the admin: its time would be kept, and the patient told too early."""
    row = book(clinic.wish(MONDAY), FRONT_DESK)
    now.move_to(MONDAY - timedelta(seconds=1))
    error = post(api, f"appointments/{row.pk}/move/", {"to": "missed"}, 409)["error"]
    assert (error["code"], error["message"]) == ("not_begun", NOT_BEGUN)
    page = signed_in(clinic).post(f"/admin/booking/appointment/{row.pk}/change/", {"to": "missed"}, follow=True)
    assert NOT_BEGUN in page.content.decode()
    row.refresh_from_db()
    assert row.state == "booked"
    now.move_to(MONDAY)
    assert post(api, f"appointments/{row.pk}/move/", {"to": "missed"})["state"] == "missed"


def test_after_its_day_staff_enter_it_and_a_portal_does_not(
    clinic: Clinic, api: APIClient, portal: Portal, now: Clock
) -> None:
    row = book(clinic.wish(MONDAY), FRONT_DESK)
    now.move_to(LAST + timedelta(minutes=1))
    post(portal(), f"appointments/{row.pk}/check-in/", {}, 409)
    assert post(api, f"appointments/{row.pk}/check-in/", {})["state"] == "arrived"


def test_what_was_missed_or_attended_is_cancelled_by_staff_alone(
    clinic: Clinic, api: APIClient, portal: Portal, now: Clock
) -> None:
    """Else a patient could make a missed visit one that was given up in time."""
    missed, came = (book(clinic.wish(MONDAY + minutes), FRONT_DESK) for minutes in (0 * MINUTE, 30 * MINUTE))
    now.move_to(MONDAY + 60 * MINUTE)
    post(api, f"appointments/{missed.pk}/move/", {"to": "missed"})
    post(portal(), f"appointments/{came.pk}/check-in/", {})
    for row in (missed, came):
        path = f"appointments/{row.pk}/cancel/"
        assert post(portal(), path, {"reason": "another plan"}, 409)["error"]["code"] == "move_not_allowed"
        assert post(api, path, {"reason": "entered wrongly"})["state"] == "cancelled"


def test_a_sample_that_is_drawn_before_the_day_moves_the_visit(clinic: Clinic, queue: Redis) -> None:
    """[S4-03] Who gave it was there; docs/decisions/0116."""
    row = book(clinic.wish(MONDAY), FRONT_DESK, external_id="A-1")
    tell(clinic.region, "lis.sample.collected")
    handle_all(queue)
    row.refresh_from_db()
    assert (row.state, row.lab_orders.get().state) == ("sample_collected", "collected")
