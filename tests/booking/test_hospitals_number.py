"""The hospital's number of an appointment leads to what laboratories and tills told: staff give it, a portal never."""

import pytest
from django.test import Client
from redis import Redis
from rest_framework.test import APIClient

from clinic.booking.models import Appointment, LabOrder
from clinic.events.models import Unmatched
from clinic.patients.models import Patient
from regions.models import Region
from tests.booking.conftest import Portal
from tests.booking.test_api import get, post, wish
from tests.booking.told import handle_all
from tests.booking.world import MINUTE, MONDAY, Clinic
from tests.events.senders import SECRET, cloud_event, signed, written

NUMBER = "A-88"


@pytest.fixture
def told(clinic: Clinic, client: Client, queue: Redis) -> Region:
    """The laboratory has told of a sample of A-88, which is not booked yet."""
    region = clinic.region
    region.env_vars = {"LIS_WEBHOOK_SECRET": SECRET}
    region.save()
    body = written(cloud_event(data={"appointment_id": NUMBER, "order_id": "O-7", "test_code": "2345-7"}))
    to, media = f"/api/v1/events/lis?region={region.name}", "application/cloudevents+json"
    assert client.post(to, body, content_type=media, headers=signed(body, SECRET)).status_code == 200
    handle_all(queue)
    assert Unmatched.objects.get().state == Unmatched.State.OPEN
    return region


def test_a_portal_cannot_take_over_what_a_laboratory_sent_for_another(
    told: Region, portal: Portal, api: APIClient, clinic: Clinic, other_patient: Patient, queue: Redis
) -> None:
    """[S4-12] Whether it books in one call or confirms a hold; the rightful booking then gets it."""
    other = portal(other_patient)
    another = wish(clinic, MONDAY + 60 * MINUTE) | {"patient": other_patient.pk}
    post(other, "appointments/", another | {"external_id": NUMBER}, 403)
    held = post(other, "holds/", another, 201)
    post(other, f"holds/{held['id']}/confirm/", {"external_id": NUMBER}, 403)
    booked = post(other, f"holds/{held['id']}/confirm/", {}, 201)
    handle_all(queue)
    assert get(other, f"appointments/{booked['id']}/")["lab_orders"] == []
    rightful = post(api, "appointments/", wish(clinic, external_id=NUMBER), 201)
    handle_all(queue)
    assert LabOrder.objects.get().appointment_id == rightful["id"]
    assert get(portal(), f"appointments/{rightful['id']}/")["lab_orders"][0]["test_code"] == "2345-7"


def test_a_portal_does_not_learn_which_numbers_there_are(portal: Portal, api: APIClient, clinic: Clinic) -> None:
    """[S4-12] One that is used and one that is not are refused alike, at every address that takes a body."""
    first = post(api, "appointments/", wish(clinic, external_id=NUMBER), 201)
    held = post(portal(), "holds/", wish(clinic, MONDAY + 60 * MINUTE), 201)
    path = f"appointments/{first['id']}/"
    bodies = {
        "appointments/": (wish(clinic, MONDAY + 60 * MINUTE), 403),
        f"holds/{held['id']}/confirm/": ({}, 403),
        "holds/": (wish(clinic, MONDAY + 60 * MINUTE), 400),
        f"{path}reschedule/": ({"begins": MONDAY.isoformat()}, 400),
        f"{path}move/": ({"to": "confirmed"}, 400),
        f"{path}check-in/": ({}, 400),
        f"{path}cancel/": ({"reason": "ill"}, 400),
        "patients/": ({"region": clinic.region.name}, 403),
    }
    for where, (body, status) in bodies.items():
        used, new = (post(portal(), where, body | {"external_id": text}, status) for text in (NUMBER, "A-89"))
        assert {**used["error"], "request_id": ""} == {**new["error"], "request_id": ""}, where
    assert Appointment.objects.count() == 1
