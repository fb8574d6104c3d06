"""[S4-13] A booking stands on four systems of the house: appointments, schedules, patients, and billing."""

from typing import Any

from django.urls import reverse
from redis import Redis
from rest_framework.test import APIClient

from billing.models import Claim
from clinic.booking.models import Appointment, Cell
from clinic.patients.models import Patient
from tests.booking.conftest import client_of
from tests.booking.test_api import free, get, post, wish
from tests.booking.test_pages import signed_in, text_of
from tests.booking.told import handle_all, moment, tell
from tests.booking.world import Clinic

MORNING = {"weekday": 0, "begins": "10:00", "ends": "11:00"}


def test_the_schedule_decides_what_can_be_booked(api: APIClient, clinic: Clinic) -> None:
    """[S4-13] The schedule service: what it says is so from the next look on."""
    assert free(api, clinic)[0] == "14:00"
    post(api, f"schedules/{clinic.doctor.pk}/replace/", {"hours": [MORNING]})
    assert [free(api, clinic)[0], free(api, clinic)[-1]] == ["16:00", "16:30"]
    refused = post(api, "appointments/", wish(clinic), 409)
    assert refused["error"]["code"] == "not_a_slot"
    assert not Appointment.objects.exists()


def test_the_patient_is_one_of_the_patients_of_the_region(api: APIClient, clinic: Clinic, elsewhere: Clinic) -> None:
    """[S4-13] The patient service: who registers there can be booked here, who is another region's cannot."""
    registered = post(api, "patients/", {"region": clinic.region.name, "external_id": "P-new"}, 201)
    booked = post(api, "appointments/", {**wish(clinic), "patient": registered["id"]}, 201)
    assert Patient.objects.get(appointments=booked["id"]).external_id == "P-new"
    body = {**wish(clinic), "patient": elsewhere.patient.pk}
    assert api.post("/api/v1/appointments/", body, format="json").status_code in (400, 404)
    assert Appointment.objects.count() == 1


def test_the_appointment_and_all_its_time_stand_in_the_database_or_nothing_does(api: APIClient, clinic: Clinic) -> None:
    """[S4-13] The appointments' own rows, as another client reads them."""
    booked = post(api, "appointments/", wish(clinic, external_id="A-1"), 201)
    row = Appointment.objects.get()
    assert (row.pk, row.state, row.external_id, row.cells.count()) == (booked["id"], "booked", "A-1", 6)
    assert get(client_of(clinic), f"appointments/{row.pk}/")["begins"] == booked["begins"]
    post(api, "appointments/", wish(clinic), 409)
    assert (Appointment.objects.count(), Cell.objects.count()) == (1, 6)


def test_the_billing_knows_the_visit_by_the_hospital_s_number(api: APIClient, clinic: Clinic, queue: Redis) -> None:
    """[S4-13] The billing service: the visit's page leads to its claim and has what was paid at the till."""
    post(api, "appointments/", wish(clinic, external_id="A-1"), 201)
    claim = Claim.objects.create(**claimed(clinic))
    tell(clinic.region, "pos.order.paid", "PO-1", amount="30.00", currency="USD", occurred_at=moment(0))
    handle_all(queue)
    page = text_of(signed_in(clinic), f"booking/appointment/{Appointment.objects.get().pk}/change/")
    assert reverse("admin:billing_claim_change", args=[claim.pk]) in page
    assert "30.00 USD" in page


def claimed(clinic: Clinic) -> dict[str, Any]:
    return {
        "region": clinic.region, "control": "C-1", "kind": "MED", "appointment_id": "A-1", "patient_id": "P",
        "payer_id": "60054", "provider": "1245319599", "first_day": "2026-03-02", "last_day": "2026-03-02",
        "charge": "120.00",
    }  # fmt: skip
