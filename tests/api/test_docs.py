"""The schema and its page: who may read them, and that they load nothing from elsewhere."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from regions.models import Region
from tests.api.conftest import Caller
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

SCHEMA, DOCS = "/api/v1/schema/", "/api/v1/docs/"


def test_an_outsider_sees_neither(client: Client) -> None:
    assert client.get(SCHEMA).status_code == 401
    page = client.get(DOCS)
    assert page.status_code == 302
    assert page["Location"].startswith("/admin/login/")
    assert client.get(f"{DOCS}?script=").status_code == 302


@pytest.mark.parametrize("path", [SCHEMA, DOCS])
def test_a_token_that_is_not_valid_does_not_help(path: str) -> None:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION="Bearer nw_nobody")
    assert client.get(path).status_code == 401


@pytest.mark.parametrize("path", [SCHEMA, DOCS])
def test_a_token_of_any_verb_opens_them(path: str, caller: Caller) -> None:
    assert caller("viewer", verbs=["runs:read"]).get(path).status_code == 200


@pytest.mark.parametrize("path", [SCHEMA, DOCS])
def test_staff_who_are_signed_in_open_them(path: str, client: Client, north: Region) -> None:
    client.force_login(UserFactory.create(role="viewer", regions=[north]))
    assert client.get(path).status_code == 200


@pytest.mark.parametrize("path", [SCHEMA, DOCS])
def test_a_user_who_is_no_staff_does_not(path: str, client: Client) -> None:
    client.force_login(User.objects.create_user("patient"))
    assert client.get(path).status_code in {302, 403}


@pytest.mark.parametrize("path", [SCHEMA, DOCS])
def test_staff_without_their_second_factor_do_not(path: str, client: Client, north: Region, settings: Any) -> None:
    settings.REQUIRE_TOTP = True
    client.force_login(UserFactory.create(role="viewer", regions=[north]))
    assert client.get(path).status_code in {302, 403}


def test_the_page_and_its_script_ask_no_other_host(caller: Caller) -> None:
    api = caller("viewer")
    page = api.get(DOCS).content.decode() + api.get(f"{DOCS}?script=").content.decode()
    assert "swagger-ui-bundle.js" in page
    assert re.findall(r"""(?:src|href|url)\s*[=:]\s*["'](?:https?:)?//[^"']+""", page) == []


def test_the_page_has_no_script_of_its_own_that_the_policy_would_stop(caller: Caller) -> None:
    page = caller("viewer").get(DOCS).content.decode()
    assert not re.findall(r"<script(?![^>]*\bsrc=)", page)


BOOKING = {
    "/api/v1/appointment-types/", "/api/v1/appointment-types/{id}/", "/api/v1/appointments/",
    "/api/v1/appointments/{id}/", "/api/v1/appointments/{id}/cancel/", "/api/v1/appointments/{id}/check-in/",
    "/api/v1/appointments/{id}/move/", "/api/v1/appointments/{id}/reschedule/", "/api/v1/availability/",
    "/api/v1/holds/", "/api/v1/holds/{id}/", "/api/v1/holds/{id}/confirm/", "/api/v1/holds/{id}/release/",
    "/api/v1/patients/", "/api/v1/resources/", "/api/v1/resources/{id}/", "/api/v1/schedules/{id}/",
    "/api/v1/schedules/{id}/replace/", "/api/v1/waitlist/", "/api/v1/waitlist/{id}/",
    "/api/v1/waitlist/{id}/withdraw/",
}  # fmt: skip
TWILIO = {"/api/v1/notices/twilio/inbound/", "/api/v1/notices/twilio/status/"}


def test_every_endpoint_is_described_with_its_errors_and_its_token(caller: Caller) -> None:
    schema = caller("viewer").get(SCHEMA, HTTP_ACCEPT="application/vnd.oai.openapi+json").json()
    assert set(schema["paths"]) == {
        "/api/v1/runs/", "/api/v1/runs/{id}/", "/api/v1/runs/{id}/failures/", "/api/v1/runs/{id}/stop/",
        "/api/v1/runs/{id}/restart/", "/api/v1/missing-services/", "/api/v1/missing-services/{id}/",
        "/api/v1/missing-services/{id}/resolve/", "/api/v1/nights/", "/api/v1/nights/{id}/",
        "/api/v1/accumulators/search/", "/api/v1/batches/", "/api/v1/batches/{id}/", "/api/v1/claims/",
        "/api/v1/claims/{id}/", "/api/v1/documents/", "/api/v1/documents/{id}/",
        "/api/v1/consumers/", "/api/v1/events/{channel}/", "/api/v1/intakes/", "/api/v1/insurance/",
        "/api/v1/eligibility-reports/", "/api/v1/uploads/", "/api/v1/uploads/{id}/", *BOOKING, *TWILIO,
    }  # fmt: skip
    for address, path in schema["paths"].items():
        for operation in path.values():
            asked = "twilio" if address in TWILIO else "webhook" if address == "/api/v1/events/{channel}/" else "token"
            assert operation["security"] == [{asked: []}], address
            assert operation["summary"]
            assert {"401", "403", "405", "429"} <= set(operation["responses"]), address
    assert schema["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
