"""A request that is sent again is answered again, and done once."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from clinic.booking.models import Appointment, KeptAnswer
from clinic.booking.once import REPLAYED
from clinic.patients.models import Patient
from tests.booking.conftest import Portal, client_of
from tests.booking.crowd import crowd
from tests.booking.test_api import PATH, post, wish
from tests.booking.world import MINUTE, MONDAY, Clinic

KEY: dict[str, Any] = {"Idempotency-Key": "8e03978e-40d5-43e8-bc93-6894a57f9324"}


def test_the_same_request_books_once(api: APIClient, clinic: Clinic) -> None:
    first = api.post(f"{PATH}appointments/", wish(clinic), format="json", headers=KEY)
    again = api.post(f"{PATH}appointments/", wish(clinic), format="json", headers=KEY)
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    assert (first.headers.get(REPLAYED), again.headers.get(REPLAYED)) == (None, "true")
    assert Appointment.objects.count() == 1


def test_another_body_or_path_by_the_same_key_is_422(api: APIClient, clinic: Clinic) -> None:
    post(api, "appointments/", wish(clinic), 201, **KEY)
    other = wish(clinic, MONDAY + 60 * MINUTE)
    assert post(api, "appointments/", other, 422, **KEY)["error"]["code"] == "key_used"
    post(api, "holds/", wish(clinic), 422, **KEY)
    assert Appointment.objects.count() == 1


def test_another_token_has_keys_of_its_own(api: APIClient, clinic: Clinic) -> None:
    post(api, "appointments/", wish(clinic), 201, **KEY)
    post(client_of(clinic), "appointments/", wish(clinic, MONDAY + 60 * MINUTE), 201, **KEY)


def test_another_patient_of_a_portal_has_keys_of_its_own(
    portal: Portal, clinic: Clinic, other_patient: Patient
) -> None:
    body = {"type": clinic.check.pk, "begins": MONDAY.isoformat()}
    mine = post(portal(), "appointments/", body, 201, **KEY)
    later = {**body, "begins": (MONDAY + 60 * MINUTE).isoformat()}
    assert post(portal(other_patient), "appointments/", later, 201, **KEY)["id"] != mine["id"]
    assert post(portal(), "appointments/", body, 201, **KEY) == mine


def test_what_failed_may_be_tried_again(api: APIClient, clinic: Clinic) -> None:
    held = post(api, "holds/", wish(clinic), 201)
    post(api, "appointments/", wish(clinic), 409, **KEY)
    assert not KeptAnswer.objects.exists()
    post(api, f"holds/{held['id']}/release/")
    post(api, "appointments/", wish(clinic), 201, **KEY)


def test_a_cancellation_is_answered_again_as_it_was(api: APIClient, clinic: Clinic) -> None:
    path = f"appointments/{post(api, 'appointments/', wish(clinic), 201)['id']}/cancel/"
    first = post(api, path, {"reason": "ill"}, **KEY)
    assert post(api, path, {"reason": "ill"}, **KEY) == first
    post(api, path, {"reason": "ill"}, 409)


@pytest.mark.parametrize("key", ["", " ", "x" * 151, "\u00e9"])
def test_a_key_is_visible_text(api: APIClient, clinic: Clinic, key: str) -> None:
    post(api, "appointments/", wish(clinic), 400, **{"Idempotency-Key": key})


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_of_many_that_send_it_at_once_one_books_and_all_are_answered_alike(api: APIClient, clinic: Clinic) -> None:
    def act() -> str:
        response = api.post(f"{PATH}appointments/", wish(clinic), format="json", headers=KEY)
        return f"{response.status_code} {response.json().get('id')}"

    said = crowd(6, 2, act)
    assert list(said.values()) == [12], said
    assert Appointment.objects.count() == 1
