"""The booking in the admin: who sees which page, masked patients, the calendar, moves and forms."""

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from backoffice.access import MASKED
from clinic.booking.book import book, hold
from clinic.booking.models import Appointment, Resource
from clinic.booking.waiting import Waiting, join
from tests.booking.world import FRONT_DESK, MINUTE, MONDAY, Clinic
from tests.factories import UserFactory

LISTS = (
    "booking/appointment/calendar/", "booking/appointment/calendar/?view=week", "booking/appointment/",
    "booking/waitlistentry/", "booking/hold/", "booking/resource/", "booking/appointmenttype/",
    "booking/hoursexception/", "patients/patient/",
)  # fmt: skip


def signed_in(clinic: Clinic, role: str = "operator") -> Client:
    client = Client()
    client.force_login(UserFactory.create(role=role, regions=[clinic.region]))
    return client


def text_of(client: Client, path: str) -> str:
    response = client.get(f"/admin/{path}")
    assert response.status_code == 200, (path, response.status_code)
    return response.content.decode()


@pytest.fixture
def pages(clinic: Clinic) -> list[str]:
    """The pages of single rows, each of which has something in it."""
    appointment, held = book(clinic.wish(MONDAY), FRONT_DESK), hold(clinic.wish(MONDAY + 60 * MINUTE))
    wish = Waiting(type=clinic.check, patient=clinic.patient, earliest=MONDAY, latest=MONDAY + 30 * MINUTE)
    return [
        f"booking/appointment/{appointment.pk}/change/",
        f"booking/hold/{held.pk}/change/",
        f"booking/waitlistentry/{join(wish).pk}/change/",
        f"booking/resource/{clinic.doctor.pk}/change/",
        f"booking/appointmenttype/{clinic.check.pk}/change/",
        f"patients/patient/{clinic.patient.pk}/change/",
    ]


def test_nobody_sees_a_page_without_signing_in_or_a_role(clinic: Clinic, pages: list[str], client: Client) -> None:
    without = Client()
    without.force_login(UserFactory.create(regions=[clinic.region]))
    for path in (*LISTS, *pages):
        assert client.get(f"/admin/{path}")["Location"].startswith("/admin/login/"), path
        assert without.get(f"/admin/{path}").status_code == 403, path


def test_another_regions_pages_are_not_there_and_its_rows_in_no_list(
    pages: list[str], clinic: Clinic, elsewhere: Clinic
) -> None:
    outsider = signed_in(elsewhere)
    for path in pages:
        assert outsider.get(f"/admin/{path}").status_code == 404, path
    for path in LISTS:
        text = text_of(outsider, path)
        assert clinic.region.display_name not in text, path
        assert clinic.doctor.name not in text, path
    assert outsider.get(f"/admin/{LISTS[0]}?region={clinic.region.name}").status_code == 404


def test_the_foot_of_the_waitlist_counts_its_entries(clinic: Clinic) -> None:
    for hours in (0, 1):
        begins = MONDAY + 60 * hours * MINUTE
        join(Waiting(type=clinic.check, patient=clinic.patient, earliest=begins, latest=begins + 30 * MINUTE))
    assert "2 waitlist entries" in " ".join(text_of(signed_in(clinic), "booking/waitlistentry/").split())


@pytest.mark.slow
@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_each_page_opens_and_names_are_for_who_may_see_them(clinic: Clinic, pages: list[str], role: str) -> None:
    client = signed_in(clinic, role)
    for path in (*LISTS, *pages):
        text = text_of(client, path)
        sees = role == "operator" and path == pages[-1]
        assert ("Okonkwo" in text) == sees, path
    assert (MASKED in text_of(client, pages[-1])) == (role == "viewer")


def test_the_day_shows_what_is_free_held_and_booked(clinic: Clinic, pages: list[str]) -> None:
    client = signed_in(clinic)
    day = text_of(client, f"{LISTS[0]}?day=2026-03-02")
    for line in ("08:00", "08:30", "booked", "held", "09:30", "12:00"):
        assert line in day
    assert f'href="/admin/{pages[0]}"' in day
    week = text_of(client, f"{LISTS[1]}&day=2026-03-02")
    assert "1 booked" in week
    assert "1 held" in week
    assert "3 h free" in week
    assert "there are 23 hours" in text_of(client, f"{LISTS[0]}?day=2026-03-08")
    assert "there are" not in text_of(client, f"{LISTS[0]}?day=x")


def test_whoever_may_resolve_moves_an_appointment_on_and_cancels_with_a_reason(
    clinic: Clinic, pages: list[str], now: time_machine.Traveller
) -> None:
    client, address = signed_in(clinic), f"/admin/{pages[0]}"
    assert signed_in(clinic, "viewer").post(address, {"to": "arrived"}).status_code == 403
    said = client.post(address, {"to": "arrived"}, follow=True).content.decode()
    assert "A patient is checked in on the day of the visit" in said
    now.move_to(MONDAY - 60 * MINUTE)
    client = signed_in(clinic)
    assert client.post(address, {"to": "arrived", "why": "early"}).status_code == 302
    assert "needs its reason" in client.post(address, {"to": "cancelled"}).content.decode()
    client.post(address, {"to": "cancelled", "why": "felt better"})
    row = Appointment.objects.get()
    assert [(move.after, move.through) for move in row.moves.all()][1:] == [
        ("arrived", "admin"),
        ("cancelled", "admin"),
    ]
    assert "felt better" in text_of(client, pages[0])
    assert "felt better" not in text_of(signed_in(clinic, "viewer"), pages[0])


def test_hours_are_changed_by_form_of_the_own_region_alone(clinic: Clinic, elsewhere: Clinic) -> None:
    client = signed_in(clinic)
    form = {
        "region": elsewhere.region.pk, "kind": "room", "code": "R", "name": "Room", "active": "on",
        "hours-TOTAL_FORMS": "1", "hours-INITIAL_FORMS": "0", "hours-0-weekday": "0", "hours-0-begins": "08:00",
        "hours-0-ends": "08:00",
    }  # fmt: skip
    assert client.post("/admin/booking/resource/add/", form).status_code == 200
    good = {**form, "region": clinic.region.pk, "hours-0-ends": "12:00"}
    assert client.post("/admin/booking/resource/add/", good).status_code == 302
    assert Resource.objects.get(code="R").hours.count() == 1


def test_a_portals_token_is_printed_once_with_its_secret(clinic: Clinic, capsys: pytest.CaptureFixture[str]) -> None:
    owner: User = UserFactory.create(role="operator", regions=[clinic.region])
    call_command("create_portal_token", user=owner.username, region=clinic.region.name)
    token, secret = capsys.readouterr().out.split()
    assert token.startswith("nw_")
    assert len(secret) == 43
    for wrong in ({"user": "nobody"}, {"days": 0}):
        with pytest.raises(CommandError):
            call_command("create_portal_token", **{"user": owner.username, "region": clinic.region.name, **wrong})
