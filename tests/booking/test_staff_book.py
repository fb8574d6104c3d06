"""Staff book and reschedule in the admin, and a patient holds only so many slots."""

from typing import Any

import pytest
from django.test import Client

from clinic.booking.book import book, hold, release_hold
from clinic.booking.line import offer
from clinic.booking.models import Appointment, Hold
from clinic.booking.refusals import SlotTaken, TooManyHolds
from clinic.booking.waiting import Waiting, join
from clinic.patients.models import Patient
from tests.booking.conftest import client_of
from tests.booking.crowd import crowd
from tests.booking.test_pages import signed_in, text_of
from tests.booking.world import FRONT_DESK, MINUTE, MONDAY, Clinic, ResourceFactory

DAY = "2026-03-02"


def address(clinic: Clinic, **changes: Any) -> str:
    asked = {"type": clinic.check.pk, "day": DAY, "resource": "", **changes}
    return "booking/appointment/book/?" + "&".join(f"{name}={value}" for name, value in asked.items())


def taken(client: Client, path: str, **form: Any) -> str:
    """What the page says after the form was sent."""
    return client.post(f"/admin/{path}", form, follow=True).content.decode()


@pytest.mark.django_db
def test_staff_look_for_a_free_time_and_book_it(clinic: Clinic) -> None:
    """[S4-12] With a resource or any; a taken slot is refused with a line, and is in the list no more."""
    other = ResourceFactory.create(region=clinic.region)
    client, path = signed_in(clinic), address(clinic, resource=other.pk)
    shown = text_of(client, path)
    assert f"""value="{MONDAY.isoformat()}"> 08:00</label>""" in shown
    assert all(words in shown for words in ("Monday, 2026-03-02", "Morning", f"<legend>{other.name}</legend>"))
    assert "Afternoon" not in shown
    form = {"begins": MONDAY.isoformat(), "patient": clinic.patient.pk}
    assert "The appointment is booked." in taken(client, path, **form)
    row = Appointment.objects.get()
    assert (row.begins, row.patient, list(row.resources.all())) == (MONDAY, clinic.patient, [other])
    assert [(each.after, each.through) for each in row.moves.all()] == [("booked", "admin")]
    again = taken(client, path, **form)
    assert "One of the resources is taken at that time." in again
    assert f"""value="{MONDAY.isoformat()}">""" not in again
    assert Appointment.objects.count() == 1


@pytest.mark.django_db
def test_another_regions_types_resources_and_patients_cannot_be_booked(clinic: Clinic, elsewhere: Clinic) -> None:
    client = signed_in(clinic)
    for changes in (
        {"type": elsewhere.check.pk},
        {"resource": elsewhere.doctor.pk},
        {"day": "x"},
        {"day": "0001-01-01"},
    ):
        assert "errorlist" in text_of(client, address(clinic, **changes)), changes
        taken(client, address(clinic, **changes), begins=MONDAY.isoformat(), patient=clinic.patient.pk)
    for patient in (elsewhere.patient.pk, "", "x", 2**70):
        said = taken(client, address(clinic), begins=MONDAY.isoformat(), patient=patient)
        assert "errorlist" in said, patient
    for begins in ("", "soon", "2026-03-02T08:00:00", "9999-12-31T23:59:00Z"):
        assert "Choose one of the times." in taken(client, address(clinic), begins=begins, patient=clinic.patient.pk)
    assert not Appointment.objects.exists()


@pytest.mark.django_db
def test_staff_find_the_patient_by_number_or_reference(clinic: Clinic, other_patient: Patient) -> None:
    """What is the number of one and the reference of another is not guessed at."""
    client, path = signed_in(clinic), address(clinic)
    form = {"begins": MONDAY.isoformat(), "patient": clinic.patient.external_id}
    Patient.objects.filter(pk=other_patient.pk).update(external_id=str(clinic.patient.pk))
    assert "the number of one patient" in taken(client, path, **{**form, "patient": clinic.patient.pk})
    assert "The appointment is booked." in taken(client, path, **form)
    assert Appointment.objects.get().patient == clinic.patient


@pytest.mark.django_db
def test_staff_reschedule_what_has_not_begun(clinic: Clinic, elsewhere: Clinic) -> None:
    row = book(clinic.wish(MONDAY), FRONT_DESK)
    path = f"booking/appointment/{row.pk}/reschedule/"
    client, later = signed_in(clinic), MONDAY + 60 * MINUTE
    assert path in text_of(client, f"booking/appointment/{row.pk}/change/")
    assert f"""value="{later.isoformat()}"> 09:00</label>""" in text_of(client, path)
    said = taken(client, path, begins=later.isoformat(), version=row.version, why="the bus")
    assert "The appointment is rescheduled." in said
    said = taken(client, path, begins=MONDAY.isoformat(), version=row.version)
    assert "Somebody else has changed the appointment meanwhile" in said
    row.refresh_from_db()
    assert (row.begins, row.state, row.moves.last().why) == (later, "rescheduled", "the bus")  # type: ignore[union-attr]
    book(clinic.wish(MONDAY), FRONT_DESK)
    said = taken(client, path, begins=MONDAY.isoformat(), version=row.version)
    assert "One of the resources is taken at that time." in said
    assert signed_in(elsewhere).get(f"/admin/{path}").status_code == 404


@pytest.mark.django_db
def test_who_may_not_resolve_books_nothing(clinic: Clinic, client: Client) -> None:
    row = book(clinic.wish(MONDAY), FRONT_DESK)
    viewer = signed_in(clinic, "viewer")
    for path in ("booking/appointment/book/", f"booking/appointment/{row.pk}/reschedule/"):
        assert viewer.get(f"/admin/{path}").status_code == viewer.post(f"/admin/{path}").status_code == 403
        assert client.get(f"/admin/{path}")["Location"].startswith("/admin/login/")
        assert path not in text_of(viewer, f"booking/appointment/{row.pk}/change/")


@pytest.mark.django_db
def test_a_patient_holds_only_so_many_slots(clinic: Clinic, other_patient: Patient, settings: Any, now: Any) -> None:
    """What was released or has expired does not count, nor what the waitlist offers."""
    settings.HOLDS_PER_PATIENT = 2
    earliest, latest = MONDAY + 180 * MINUTE, MONDAY + 210 * MINUTE
    join(Waiting(type=clinic.check, patient=clinic.patient, earliest=earliest, latest=latest))
    offer(clinic.region)
    assert Hold.objects.get().waited.state == "offered"
    first = hold(clinic.wish(MONDAY))
    hold(clinic.wish(MONDAY + 30 * MINUTE))
    wish = clinic.wish(MONDAY + 60 * MINUTE)
    with pytest.raises(TooManyHolds):
        hold(wish)
    body = {"type": clinic.check.pk, "patient": clinic.patient.pk, "begins": wish.begins.isoformat()}
    answer = client_of(clinic).post("/api/v1/holds/", body, format="json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "too_many_holds")
    hold(clinic.wish(MONDAY + 90 * MINUTE, patient=other_patient))
    release_hold(first)
    hold(wish)
    now.shift((settings.HOLD_MINUTES + 1) * MINUTE)
    hold(clinic.wish(MONDAY))


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_of_many_holds_at_once_a_patient_gets_so_many(clinic: Clinic, settings: Any) -> None:
    """Each process asks for every slot of the morning in turn."""

    def act() -> str:
        for step in range(0, 240, 30):
            try:
                hold(clinic.wish(MONDAY + step * MINUTE))
            except TooManyHolds:
                return "enough"
            except SlotTaken:
                continue
            return "held"
        return "full"

    said = crowd(6, 2, act)
    assert said == {"held": settings.HOLDS_PER_PATIENT, "enough": 12 - settings.HOLDS_PER_PATIENT}
    assert Hold.objects.filter(state="open").count() == settings.HOLDS_PER_PATIENT


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_of_two_who_book_one_time_in_the_admin_one_wins(clinic: Clinic) -> None:
    path, form = f"/admin/{address(clinic)}", {"begins": MONDAY.isoformat(), "patient": clinic.patient.pk}
    client = signed_in(clinic)

    def act() -> str:
        where = client.post(path, form)["Location"]
        return "booked" if "/change/" in where else "refused"

    assert crowd(2, 1, act) == {"booked": 1, "refused": 1}
