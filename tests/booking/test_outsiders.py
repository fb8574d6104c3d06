"""Who may not: without a token, of another region, without the verb, and a portal for another patient."""

import time
from typing import Any

import jwt
import pytest
import time_machine
from rest_framework.test import APIClient

from clinic.booking.book import book, hold
from clinic.booking.waiting import Waiting, join
from clinic.patients.models import Patient
from clinic.patients.portal import AUDIENCE, claim_for
from tests.booking.conftest import Portal, client_of
from tests.booking.test_api import PATH, get, post
from tests.booking.world import FRONT_DESK, MINUTE, MONDAY, Clinic

LATER = (MONDAY + 120 * MINUTE).isoformat()
WISH = {"type": "{type}", "patient": "{patient}", "begins": LATER}
JOIN = {"type": "{type}", "patient": "{patient}", "earliest": LATER, "latest": "2026-03-03T00:00:00Z"}
TYPE = {"region": "{region}", "code": "X", "name": "X", "minutes": 5, "needs": [{"kind": "room"}]}
# Method, path, verb, body, whether a portal may at all; the numbers are of one region.
ENDPOINTS: list[tuple[str, str, str, Any, bool]] = [
    ("post", "patients/", "write", {"region": "{region}", "external_id": "P"}, False),
    ("get", "resources/", "read", None, True),
    ("get", "resources/{resource}/", "read", None, True),
    ("post", "resources/", "write", {"region": "{region}", "code": "X", "kind": "room", "name": "X"}, False),
    ("get", "appointment-types/", "read", None, True),
    ("get", "appointment-types/{type}/", "read", None, True),
    ("post", "appointment-types/", "write", TYPE, False),
    ("get", "schedules/{resource}/", "read", None, True),
    ("post", "schedules/{resource}/replace/", "write", {"hours": []}, False),
    ("get", "availability/?type={type}&from=2026-03-02&to=2026-03-03", "read", None, True),
    ("post", "holds/", "write", WISH, True),
    ("get", "holds/{hold}/", "read", None, True),
    ("post", "holds/{hold}/confirm/", "write", {}, True),
    ("post", "holds/{hold}/release/", "write", None, True),
    ("get", "appointments/", "read", None, True),
    ("get", "appointments/{appointment}/", "read", None, True),
    ("post", "appointments/", "write", WISH, True),
    ("post", "appointments/{appointment}/reschedule/", "write", {"begins": LATER}, True),
    ("post", "appointments/{appointment}/cancel/", "write", {"reason": "x"}, True),
    ("post", "appointments/{appointment}/check-in/", "write", {}, True),
    ("post", "appointments/{appointment}/move/", "write", {"to": "confirmed"}, True),
    ("get", "waitlist/", "read", None, True),
    ("get", "waitlist/{entry}/", "read", None, True),
    ("post", "waitlist/", "write", JOIN, True),
    ("post", "waitlist/{entry}/withdraw/", "write", None, True),
]
endpoints = pytest.mark.parametrize("endpoint", ENDPOINTS, ids=[f"{row[0]} {row[1][:40]}" for row in ENDPOINTS])
CATALOGUE = {"resources", "appointment-types", "schedules", "availability"}
LISTS = {"resources/", "appointment-types/", "appointments/", "waitlist/"}


@pytest.fixture
def numbers(clinic: Clinic, now: time_machine.Traveller) -> dict[str, Any]:
    """Rows of the clinic and of its first patient, on the morning of their day."""
    now.move_to(MONDAY - 60 * MINUTE)
    appointment = book(clinic.wish(MONDAY), FRONT_DESK)
    held = hold(clinic.wish(MONDAY + 60 * MINUTE))
    never = Waiting(
        type=clinic.check, patient=clinic.patient, earliest=MONDAY - 600 * MINUTE, latest=MONDAY - 500 * MINUTE
    )
    return {
        "region": clinic.region.name, "resource": clinic.doctor.pk, "type": clinic.check.pk, "hold": held.pk,
        "patient": clinic.patient.pk, "appointment": appointment.pk, "entry": join(never).pk,
    }  # fmt: skip


def filled(body: Any, numbers: dict[str, Any]) -> Any:
    """The body with the rows' numbers in it."""
    if isinstance(body, dict):
        return {name: filled(value, numbers) for name, value in body.items()}
    if isinstance(body, str) and body.startswith("{"):
        return numbers[body.strip("{}")]
    return body


def call(client: APIClient, method: str, path: str, body: Any, numbers: dict[str, Any]) -> Any:
    return getattr(client, method)(PATH + path.format(**numbers), filled(body, numbers), format="json")


@endpoints
def test_who_may_and_who_may_not(
    endpoint: tuple[str, str, str, Any, bool], numbers: dict[str, Any], clinic: Clinic, elsewhere: Clinic,
    portal: Portal, other_patient: Patient,
) -> None:  # fmt: skip
    """[S4-12]"""
    method, path, verb, body, open_to_portal = endpoint

    def status(client: APIClient) -> int:
        return int(call(client, method, path, body, numbers).status_code)

    def shows_nothing(client: APIClient) -> bool:
        answer = call(client, method, path, body, numbers)
        if path in LISTS and method == "get":
            return all(row["region"] != clinic.region.name for row in answer.json()["results"])
        return bool(answer.status_code == 404)

    assert status(APIClient()) == 401
    assert shows_nothing(client_of(elsewhere))
    other_verb = "appointments:read" if verb == "write" else "appointments:write"
    assert status(client_of(clinic, verbs=[other_verb])) == 403
    if verb == "write":
        assert status(client_of(clinic, role="viewer")) == 403
    assert status(portal(claim="")) == 401
    if not open_to_portal:
        assert status(portal()) == 403
    elif "patient" not in str(body) and path.split("/", maxsplit=1)[0] in CATALOGUE:
        assert status(portal()) == 200
    else:
        assert shows_nothing(portal(other_patient))
    assert status(client_of(clinic)) in (200, 201)


def test_a_portal_books_sees_and_moves_what_is_its_patients(portal: Portal, clinic: Clinic, numbers: Any) -> None:
    """[S4-12]"""
    booked = post(portal(), "appointments/", {"type": clinic.check.pk, "begins": LATER}, 201)
    assert booked["patient"] == clinic.patient.pk
    assert {row["id"] for row in get(portal(), "appointments/")["results"]} == {booked["id"], numbers["appointment"]}
    path = f"appointments/{booked['id']}/"
    assert post(portal(), f"{path}move/", {"to": "confirmed"})["state"] == "confirmed"
    post(portal(), f"{path}move/", {"to": "missed"}, 403)
    (first, *_) = get(portal(), path)["moves"]
    assert (first["through"], first["by"]) == ("portal", "")
    post(portal(), f"{path}cancel/", {"reason": "another doctor"})


def claim(portal: Any, **changes: Any) -> str:
    values: dict[str, Any] = {"sub": "P-0", "region": "none", "aud": AUDIENCE, "exp": int(time.time()) + 60, **changes}
    values = {name: value for name, value in values.items() if value is not None}
    return jwt.encode(values, changes.pop("secret", portal.secret), algorithm="HS256")


def test_only_a_claim_that_is_valid_in_all_its_parts_names_a_patient(
    portal: Portal, clinic: Clinic, elsewhere: Clinic
) -> None:
    good: dict[str, Any] = {"sub": clinic.patient.external_id, "region": clinic.region.name}
    assert get(portal(claim=claim(portal, **good)), "appointments/") == {"next": None, "results": []}
    bad: list[dict[str, Any]] = [
        {"aud": "another"}, {"aud": None}, {"exp": int(time.time()) - 1}, {"exp": None}, {"sub": None},
        {"exp": int(time.time()) + 4000}, {"sub": "P-none"}, {"region": None}, {"region": 5},
        {"exp": str(int(time.time()) + 60)}, {"exp": float("inf")}, {"exp": []},
        {"sub": "\ud800"}, {"region": "\ud800"},
        {"sub": elsewhere.patient.external_id, "region": elsewhere.region.name},
    ]  # fmt: skip
    for changes in bad:
        get(portal(claim=claim(portal, **{**good, **changes})), "appointments/", 401)
    forged = claim_for(clinic.patient, "x" * 43)
    unsigned = jwt.encode({**good, "aud": AUDIENCE, "exp": int(time.time()) + 60}, "", algorithm="none")
    for text in (forged, unsigned, "a.b.c", "x"):
        get(portal(claim=text), "appointments/", 401)


def test_a_claim_does_not_make_staff_a_patient(clinic: Clinic, numbers: Any) -> None:
    """Whose token is no portal's is staff's, whatever else it sends."""
    client = client_of(clinic)
    response = client.get(f"{PATH}appointments/", headers={"X-Patient-Claim": claim_for(clinic.patient, "x" * 43)})
    assert len(response.json()["results"]) == 1


@pytest.mark.parametrize("path", ["appointments/", "waitlist/", "resources/"])
def test_another_region_by_name_is_404_alike(path: str, api: APIClient, elsewhere: Clinic) -> None:
    for region in (elsewhere.region.name, "nowhere"):
        get(api, path, 404, region=region)


def test_rows_of_another_region_fill_no_body(api: APIClient, clinic: Clinic, elsewhere: Clinic) -> None:
    good = {"type": clinic.check.pk, "patient": clinic.patient.pk, "begins": LATER}
    for changes in (
        {"type": elsewhere.check.pk},
        {"patient": elsewhere.patient.pk},
        {"resources": [elsewhere.doctor.pk]},
    ):
        post(api, "appointments/", {**good, **changes}, 404)
    needs = [{"kind": "practitioner", "any_of": [elsewhere.doctor.pk]}]
    post(api, "appointment-types/", {**TYPE, "region": clinic.region.name, "needs": needs}, 404)
