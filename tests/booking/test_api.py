"""The front desk over the API: look, hold, confirm, book, reschedule, cancel, check in, list."""

from datetime import UTC, datetime
from typing import Any

import time_machine
from rest_framework.test import APIClient

from clinic.booking.models import Appointment, Cell, Hold
from tests.booking.world import MINUTE, MONDAY, Clinic, ResourceFactory

PATH = "/api/v1/"


def wish(clinic: Clinic, begins: datetime = MONDAY, **more: Any) -> dict[str, Any]:
    return {"type": clinic.check.pk, "patient": clinic.patient.pk, "begins": begins.isoformat(), **more}


def post(client: APIClient, path: str, body: Any = None, status: int = 200, **headers: str) -> Any:
    """The answer to a POST, which has to have that status."""
    response = client.post(PATH + path, body, format="json", headers=headers)
    assert response.status_code == status, response.content
    return response.json()


def get(client: APIClient, path: str, status: int = 200, **query: Any) -> Any:
    response = client.get(PATH + path, query)
    assert response.status_code == status, response.content
    return response.json()


def free(client: APIClient, clinic: Clinic) -> list[str]:
    """When slots begin on the Monday, in UTC."""
    query: dict[str, Any] = {"type": clinic.check.pk, "from": "2026-03-02", "to": "2026-03-03"}
    found = get(client, "availability/", **query)
    return [slot["begins"][11:16] for slot in found["slots"]]


def test_a_slot_that_is_held_is_not_free_and_becomes_an_appointment(api: APIClient, clinic: Clinic) -> None:
    """[S4-01]"""
    assert free(api, clinic)[0] == "14:00"
    held = post(api, "holds/", wish(clinic), 201)
    assert (held["state"], held["expires_at"]) == ("open", "2026-03-01T18:10:00Z")
    assert free(api, clinic)[0] == "14:30"
    booked = post(api, f"holds/{held['id']}/confirm/", {"external_id": "A-1"}, 201)
    assert (booked["state"], booked["external_id"], booked["begins"]) == ("booked", "A-1", "2026-03-02T14:00:00Z")
    assert get(api, f"holds/{held['id']}/")["appointment"] == booked["id"]
    assert post(api, f"holds/{held['id']}/confirm/", {}, 409)["error"]["code"] == "hold_over"


def test_a_hold_that_expired_is_over_and_its_slot_free(
    api: APIClient, clinic: Clinic, now: time_machine.Traveller
) -> None:
    held = post(api, "holds/", wish(clinic), 201)
    now.shift(600)
    assert post(api, f"holds/{held['id']}/confirm/", {}, 409)["error"]["code"] == "hold_over"
    assert free(api, clinic)[0] == "14:00"
    assert get(api, f"holds/{held['id']}/")["state"] == "expired"
    post(api, "appointments/", wish(clinic), 201)


def test_a_booking_takes_the_place_of_a_hold_that_expired(
    api: APIClient, clinic: Clinic, now: time_machine.Traveller
) -> None:
    """Nobody has to clean up first."""
    post(api, "holds/", wish(clinic), 201)
    now.shift(600)
    post(api, "appointments/", wish(clinic), 201)
    assert not Cell.objects.exclude(hold=None).exists()


def test_a_hold_can_be_given_up(api: APIClient, clinic: Clinic) -> None:
    held = post(api, "holds/", wish(clinic), 201)
    assert post(api, f"holds/{held['id']}/release/")["state"] == "released"
    assert free(api, clinic)[0] == "14:00"


def test_who_comes_second_is_told_so(api: APIClient, clinic: Clinic) -> None:
    """[S4-02]"""
    post(api, "appointments/", wish(clinic), 201)
    for path in ("appointments/", "holds/"):
        assert post(api, path, wish(clinic, MONDAY + 15 * MINUTE), 409)["error"]["code"] == "slot_taken"
    assert post(api, "appointments/", wish(clinic, MONDAY + 7 * MINUTE), 409)["error"]["code"] == "not_a_slot"
    assert post(api, "appointments/", wish(clinic, MONDAY - 60 * MINUTE), 409)["error"]["code"] == "not_a_slot"
    assert Appointment.objects.count() == 1


def test_a_hospitals_id_is_used_once(api: APIClient, clinic: Clinic) -> None:
    post(api, "appointments/", wish(clinic, external_id="A-1"), 201)
    again = wish(clinic, MONDAY + 60 * MINUTE, external_id="A-1")
    assert post(api, "appointments/", again, 409)["error"]["code"] == "external_id_used"


def test_rescheduled_it_keeps_its_number_and_leaves_its_old_time(api: APIClient, clinic: Clinic) -> None:
    booked = post(api, "appointments/", wish(clinic), 201)
    path = f"appointments/{booked['id']}/"
    moved = post(api, f"{path}reschedule/", {"begins": (MONDAY + 15 * MINUTE).isoformat(), "why": "the bus"})
    assert (moved["id"], moved["state"], moved["begins"]) == (booked["id"], "rescheduled", "2026-03-02T14:15:00Z")
    assert [(move["before"], move["after"], move["why"]) for move in moved["moves"]] == [
        ("", "booked", ""),
        ("booked", "rescheduled", "the bus"),
    ]
    assert free(api, clinic)[0] == "14:45"
    assert post(api, f"{path}reschedule/", {"begins": MONDAY.isoformat(), "version": 1}, 409)["error"]["code"] == (
        "changed_meanwhile"
    )


def test_to_a_taken_time_it_is_not_moved(api: APIClient, clinic: Clinic) -> None:
    post(api, "appointments/", wish(clinic), 201)
    second = post(api, "appointments/", wish(clinic, MONDAY + 60 * MINUTE), 201)
    post(api, f"appointments/{second['id']}/reschedule/", {"begins": MONDAY.isoformat()}, 409)
    assert get(api, f"appointments/{second['id']}/")["begins"] == second["begins"]
    assert Cell.objects.filter(appointment=second["id"]).count() == 6


def test_another_resource_takes_over_where_the_same_is_not_free(api: APIClient, clinic: Clinic) -> None:
    other = ResourceFactory.create(region=clinic.region)
    first = post(api, "appointments/", wish(clinic, resources=[clinic.doctor.pk]), 201)
    second = post(api, "appointments/", wish(clinic, MONDAY + 60 * MINUTE, resources=[clinic.doctor.pk]), 201)
    moved = post(api, f"appointments/{second['id']}/reschedule/", {"begins": first["begins"], "although_busy": True})
    assert moved["resources"] == [other.pk]


def test_cancelled_with_a_reason_it_stays_and_its_time_is_free(api: APIClient, clinic: Clinic) -> None:
    booked = post(api, "appointments/", wish(clinic), 201)
    path = f"appointments/{booked['id']}/"
    assert "reason" in post(api, f"{path}cancel/", {}, 400)["error"]["fields"]
    cancelled = post(api, f"{path}cancel/", {"reason": "recovered"})
    assert (cancelled["state"], cancelled["next_states"], cancelled["version"]) == ("cancelled", [], 2)
    assert free(api, clinic)[0] == "14:00"
    assert post(api, f"{path}cancel/", {"reason": "again"}, 409)["error"]["code"] == "move_not_allowed"
    assert api.delete(f"{PATH}{path}").status_code == 405


def test_a_visit_from_arrival_to_its_end(api: APIClient, clinic: Clinic, now: time_machine.Traveller) -> None:
    path = f"appointments/{post(api, 'appointments/', wish(clinic), 201)['id']}/"
    now.move_to(MONDAY - 60 * MINUTE)
    assert post(api, f"{path}move/", {"to": "confirmed"})["state"] == "confirmed"
    assert post(api, f"{path}move/", {"to": "completed"}, 409)["error"]["code"] == "move_not_allowed"
    assert post(api, f"{path}check-in/", {})["state"] == "arrived"
    for state in ("sample_collected", "in_progress", "completed"):
        assert post(api, f"{path}move/", {"to": state})["state"] == state
    log = get(api, path)["moves"]
    assert [move["after"] for move in log][-3:] == ["sample_collected", "in_progress", "completed"]
    assert {move["through"] for move in log} == {"api"}
    assert all(move["by"].startswith("user-") for move in log)


def test_what_takes_or_gives_time_is_no_plain_move(api: APIClient, clinic: Clinic) -> None:
    path = f"appointments/{post(api, 'appointments/', wish(clinic), 201)['id']}/move/"
    for state in ("booked", "rescheduled", "cancelled"):
        post(api, path, {"to": state}, 400)


def test_the_list_is_narrowed_and_in_the_order_of_the_visits(api: APIClient, clinic: Clinic) -> None:
    ids = [post(api, "appointments/", wish(clinic, MONDAY + 60 * n * MINUTE), 201)["id"] for n in (2, 0, 1)]
    listed = get(api, "appointments/", limit=2, resource=clinic.doctor.pk, patient=clinic.patient.pk)
    assert [row["id"] for row in listed["results"]] == [ids[1], ids[2]]
    assert [row["id"] for row in api.get(listed["next"]).json()["results"]] == [ids[0]]
    late = get(
        api, "appointments/", begins_from=(MONDAY + 60 * MINUTE).isoformat(), begins_before="2026-03-02T16:00:00Z"
    )
    assert [row["id"] for row in late["results"]] == [ids[2]]
    assert get(api, "appointments/", state="cancelled")["results"] == []


def test_the_catalogue_is_made_by_code_and_open_by_schedule(api: APIClient, clinic: Clinic) -> None:
    of = {"region": clinic.region.name}
    room = post(api, "resources/", {**of, "code": "ROOM", "kind": "room", "name": "Room 1"}, 201)
    assert post(api, "resources/", {**of, "code": "ROOM", "kind": "room", "name": "Room 2"})["id"] == room["id"]
    body = {**of, "code": "XRAY", "name": "X-ray", "minutes": 20, "minutes_after": 10, "step": 30}
    needs = [{"kind": "room", "any_of": [room["id"]]}, {"kind": "practitioner"}]
    xray = post(api, "appointment-types/", {**body, "needs": needs}, 201)
    assert xray["needs"] == [{"kind": "room", "any_of": [room["id"]]}, {"kind": "practitioner", "any_of": []}]
    hours = [{"weekday": 0, "begins": "09:00", "ends": "10:00"}]
    closed = [{"first_day": "2026-03-09", "last_day": "2026-03-09"}]
    schedule = post(api, f"schedules/{room['id']}/replace/", {"hours": hours, "exceptions": closed})
    assert schedule == get(api, f"schedules/{room['id']}/")
    assert schedule["exceptions"][0]["ends"] == "00:00"
    query = {"type": xray["id"], "from": "2026-03-02", "to": "2026-03-16"}
    slots = get(api, "availability/", **query)["slots"]
    assert [slot["begins"] for slot in slots] == ["2026-03-02T15:00:00Z", "2026-03-02T15:30:00Z"]
    assert get(api, "availability/", **query, limit=1)["more"] is True
    assert [row["code"] for row in get(api, "resources/", code="ROOM")["results"]] == ["ROOM"]


def test_what_cannot_be_hours_is_refused_line_by_line(api: APIClient, clinic: Clinic) -> None:
    path = f"schedules/{clinic.doctor.pk}/replace/"
    for begins, ends in (("09:00", "09:00"), ("9:00", "10:00"), ("09:00", "10:03")):
        post(api, path, {"hours": [{"weekday": 0, "begins": begins, "ends": ends}]}, 400)
    assert clinic.doctor.hours.count() == 7


def test_a_patient_is_made_once_and_no_answer_repeats_who_it_is(api: APIClient, clinic: Clinic) -> None:
    body = {"region": clinic.region.name, "external_id": "P-77", "given_name": "Chidi", "phone": "+13125550199"}
    made = post(api, "patients/", body, 201)
    again = post(api, "patients/", {**body, "phone": "", "birth_date": "1990-05-01", "language": "es"})
    assert (again["id"], again["language"]) == (made["id"], "es")
    assert "Chidi" not in str(again)
    patient = type(clinic.patient).objects.get(pk=made["id"])
    assert (patient.given_name, patient.phone, patient.birth_date) == ("Chidi", "", "1990-05-01")
    assert "Chidi" not in str(patient)


def test_a_time_has_to_say_its_zone(api: APIClient, clinic: Clinic) -> None:
    for begins in ("2026-03-02T08:00:00", "2026-03-02", 5, "1999-01-01T00:00:00Z"):
        post(api, "holds/", {**wish(clinic), "begins": begins}, 400)
    post(api, "holds/", {**wish(clinic), "begins": "2026-03-02T08:00:00-06:00"}, 201)
    assert Hold.objects.get().begins == datetime(2026, 3, 2, 14, tzinfo=UTC)
