"""A patient has one visit at a time, unless staff say so; a form that is sent twice books once."""

from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine
from rest_framework.test import APIClient

from clinic.booking.book import book, cancel, move
from clinic.booking.models import Appointment
from clinic.patients.models import Patient
from tests.booking.conftest import Portal
from tests.booking.crowd import crowd
from tests.booking.test_api import post, wish
from tests.booking.test_pages import signed_in, text_of
from tests.booking.test_staff_book import address, taken
from tests.booking.world import FRONT_DESK, MINUTE, MONDAY, Clinic, ResourceFactory

BUSY = "The patient has another visit at that time."


@pytest.fixture
def clinic(clinic: Clinic) -> Clinic:
    """With three practitioners."""
    ResourceFactory.create_batch(2, region=clinic.region)
    return clinic


def test_a_patient_is_not_booked_into_another_visit(clinic: Clinic, api: APIClient, other_patient: Patient) -> None:
    first = post(api, "appointments/", wish(clinic), 201)
    error = post(api, "appointments/", wish(clinic), 409)["error"]
    assert (error["code"], error["message"]) == ("patient_busy", BUSY)
    held = post(api, "holds/", wish(clinic), 201)
    assert post(api, f"holds/{held['id']}/confirm/", {}, 409)["error"]["code"] == "patient_busy"
    post(api, f"holds/{held['id']}/release/")
    later = post(api, "appointments/", wish(clinic, MONDAY + 30 * MINUTE), 201)
    back = {"begins": MONDAY.isoformat()}
    assert post(api, f"appointments/{later['id']}/reschedule/", back, 409)["error"]["code"] == "patient_busy"
    post(api, "appointments/", {**wish(clinic), "patient": other_patient.pk}, 201)
    post(api, f"appointments/{first['id']}/reschedule/", back)
    post(api, f"appointments/{first['id']}/cancel/", {"reason": "ill"})
    post(api, f"appointments/{later['id']}/reschedule/", back)


def test_staff_book_two_visits_at_one_time_and_a_portal_does_not(
    clinic: Clinic, api: APIClient, portal: Portal
) -> None:
    book(clinic.wish(MONDAY), FRONT_DESK)
    later = book(clinic.wish(MONDAY + 30 * MINUTE), FRONT_DESK)
    although = {"although_busy": True}
    post(portal(), "appointments/", {**wish(clinic), **although}, 403)
    post(api, "appointments/", {**wish(clinic), **although}, 201)
    held = post(api, "holds/", wish(clinic, MONDAY + 30 * MINUTE), 201)
    post(api, f"holds/{held['id']}/confirm/", although, 201)
    post(api, f"appointments/{later.pk}/reschedule/", {"begins": MONDAY.isoformat(), **although})


@pytest.mark.django_db
def test_the_form_asks_before_it_books_a_second_visit(clinic: Clinic) -> None:
    client, path = signed_in(clinic), address(clinic)
    form: dict[str, Any] = {"begins": MONDAY.isoformat(), "patient": clinic.patient.pk}
    assert "The appointment is booked." in taken(client, path, **form, name=uuid4())
    assert BUSY in taken(client, path, **form, name=uuid4())
    assert Appointment.objects.count() == 1
    assert "The appointment is booked." in taken(client, path, **form, name=uuid4(), although_busy="on")
    row = book(clinic.wish(MONDAY + 30 * MINUTE), FRONT_DESK)
    path = f"booking/appointment/{row.pk}/reschedule/"
    assert BUSY in taken(client, path, begins=MONDAY.isoformat(), version=row.version)
    said = taken(client, path, begins=MONDAY.isoformat(), version=row.version, although_busy="on")
    assert "The appointment is rescheduled." in said


def missed_and_another(clinic: Clinic, now: time_machine.Traveller) -> Appointment:
    """A visit that was missed, and another that the patient was given for its time."""
    row = book(clinic.wish(MONDAY), FRONT_DESK)
    now.move_to(MONDAY)
    move(row, "missed", FRONT_DESK)
    book(clinic.wish(MONDAY), FRONT_DESK)
    return row


def test_who_missed_a_visit_and_comes_after_all_is_not_taken_twice(
    clinic: Clinic, api: APIClient, portal: Portal, now: time_machine.Traveller
) -> None:
    """Whether by checking in or by a move; staff may say so, a portal may not."""
    row = missed_and_another(clinic, now)
    path, although = f"appointments/{row.pk}", {"although_busy": True}
    for client in (portal(), api):
        assert post(client, f"{path}/check-in/", {}, 409)["error"]["code"] == "patient_busy"
    assert post(api, f"{path}/move/", {"to": "arrived"}, 409)["error"]["message"] == BUSY
    post(portal(), f"{path}/check-in/", although, 403)
    row.refresh_from_db()
    assert row.state == "missed"
    assert post(api, f"{path}/check-in/", although)["state"] == "arrived"
    alone = book(clinic.wish(MONDAY + 30 * MINUTE), FRONT_DESK)
    now.move_to(alone.begins)
    move(alone, "missed", FRONT_DESK)
    assert post(portal(), f"appointments/{alone.pk}/check-in/", {})["state"] == "arrived"


@pytest.mark.django_db
def test_the_page_of_a_missed_visit_asks_before_it_moves_it(clinic: Clinic, now: time_machine.Traveller) -> None:
    row = missed_and_another(clinic, now)
    client = signed_in(clinic)
    path = f"/admin/booking/appointment/{row.pk}/change/"
    assert 'name="although_busy"' in text_of(client, path.removeprefix("/admin/"))
    assert BUSY in client.post(path, {"to": "arrived"}).content.decode()
    row.refresh_from_db()
    assert row.state == "missed"
    assert client.post(path, {"to": "arrived", "although_busy": "on"}).status_code == 302
    row.refresh_from_db()
    assert row.state == "arrived"
    assert 'name="although_busy"' not in text_of(client, path.removeprefix("/admin/"))


@pytest.mark.django_db
def test_a_form_that_is_sent_twice_books_once(clinic: Clinic, other_patient: Patient) -> None:
    """Also where the time is the last; another wish under the same name is another booking."""
    client = signed_in(clinic)
    for path in (address(clinic), address(clinic, resource=clinic.doctor.pk)):
        assert 'name="name"' in text_of(client, path)
        form = {"begins": MONDAY.isoformat(), "patient": clinic.patient.pk, "name": uuid4()}
        answers = [client.post(f"/admin/{path}", form)["Location"] for _ in range(2)]
        row = Appointment.objects.get()
        assert answers == [f"/admin/booking/appointment/{row.pk}/change/"] * 2
        cancel(row, FRONT_DESK, "ill")
        row.delete()
    form = {**form, "name": uuid4()}
    for patient in (clinic.patient, other_patient):
        assert "The appointment is booked." in taken(client, address(clinic), **{**form, "patient": patient.pk})
    assert Appointment.objects.count() == 2


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("name", "said"), [("", {"302": 1, "200": 3}), (str(UUID(int=7)), {"302": 4})])
def test_of_many_who_book_one_patient_for_one_time_one_does(clinic: Clinic, name: str, said: dict[str, int]) -> None:
    ResourceFactory.create(region=clinic.region)
    path, client = f"/admin/{address(clinic)}", signed_in(clinic)
    form = {"begins": MONDAY.isoformat(), "patient": clinic.patient.pk, "name": name}
    assert crowd(4, 1, lambda: str(client.post(path, form).status_code)) == said
    assert Appointment.objects.count() == 1
