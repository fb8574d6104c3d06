"""The pages of the clinic in a real browser: calendar, notifications, insurance, the schedule, events."""

from datetime import date, timedelta

import pytest
import time_machine
from django.utils import timezone

from clinic.booking.book import book, hold
from clinic.booking.models import Appointment, LabOrder, PosEvent, PosOrder, SampleEvent
from clinic.booking.waiting import Waiting, join
from clinic.events.models import Unmatched
from clinic.patients.models import Patient
from clinic.reports.models import Report
from regions.models import Region
from tests.admin.test_notices_pages import notice
from tests.booking.told import tell
from tests.booking.world import FRONT_DESK, MINUTE, MONDAY, NOW, Clinic, make_clinic
from tests.browser.conftest import REAL_PASSWORD, OpenPage
from tests.care.test_eligibility_pages import unknown
from tests.factories import UserFactory
from tests.running import finish, start
from tests.uploads.world import a_video

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

CUT_OF_A_LIST = """() => {
  const box = document.querySelector('#result_list').closest('.simplebar-content-wrapper, [data-simplebar]');
  return box.scrollWidth - box.clientWidth;
}"""


@pytest.fixture
def clinic(region: Region) -> Clinic:
    UserFactory.create(username="olga", role="operator", regions=[region], password=REAL_PASSWORD)
    return make_clinic(region)


@pytest.fixture
def pages(clinic: Clinic, region: Region) -> list[str]:
    """The lists, and a row of each with something in it."""
    with time_machine.travel(NOW, tick=False):
        visit, held = book(clinic.wish(MONDAY), FRONT_DESK), hold(clinic.wish(MONDAY + 60 * MINUTE))
        wait = join(Waiting(type=clinic.check, patient=clinic.patient, earliest=MONDAY, latest=MONDAY + 30 * MINUTE))
    message, report, video = notice(region), unknown(region), a_video(region, patient=clinic.patient)
    finish(start("report", region, kind="visits", format="pdf", **{"from": "2026-03-01", "to": "2026-04-01"}))
    told_of(visit)
    return [
        *(f"booking/appointment/calendar/?day=2026-03-02{view}" for view in ("", "&view=week")),
        "booking/appointment/", "booking/waitlistentry/", "booking/hold/", "booking/resource/",
        "booking/appointmenttype/", "booking/hoursexception/", "patients/patient/",
        f"booking/appointment/{visit.pk}/change/", f"booking/hold/{held.pk}/change/",
        f"booking/waitlistentry/{wait.pk}/change/", f"booking/resource/{clinic.doctor.pk}/change/",
        f"patients/patient/{clinic.patient.pk}/change/",
        "notices/notice/", f"notices/notice/{message.pk}/change/", "notices/template/", "notices/bedtimeenrolment/",
        "care/eligibilityinformation/", "care/eligibilityreport/", f"care/eligibilityreport/{report.pk}/change/",
        "care/eligibilityspend/", "care/commandstate/",
        "uploads/upload/", f"uploads/upload/{video.pk}/change/",
        "reports/report/", f"reports/report/{Report.objects.get().pk}/change/",
        "events/deadletter/", "events/deadletter/consumers/", "events/unmatched/",
        f"events/unmatched/{Unmatched.objects.get().pk}/change/", "booking/laborder/", "booking/posorder/",
        "booking/appointment/book/", f"booking/appointment/book/?type={clinic.check.pk}&day={tomorrow()}&resource=",
        f"booking/appointment/{visit.pk}/reschedule/?day={tomorrow()}&resource=",
    ]  # fmt: skip


def tomorrow() -> date:
    return (timezone.now() + timedelta(days=1)).date()


def told_of(visit: Appointment) -> None:
    """A lab order and an order with its payment, and an event that belongs to nothing."""
    lab = LabOrder.objects.create(
        region=visit.region, appointment=visit, number="LO-2026-000017-A", accession="ACC-2026-000017", test_code="GLU",
        state="rejected",
    )  # fmt: skip
    for kind in ("ordered", "collected", "rejected"):
        SampleEvent.objects.create(order=lab, key=kind, kind=kind, specimen="SP-1", occurred_at=MONDAY)
    sold = PosOrder.objects.create(
        region=visit.region, appointment=visit, number="PO-2026-000017", currency="USD", ordered=123450, paid=123450,
        state="paid",
    )  # fmt: skip
    PosEvent.objects.create(order=sold, key="1", kind="paid", payment="PAY-2026-000017", amount=123450)
    tell(visit.region, "lis.sample.collected", "LO-2026-000018-A", appointment_id="typo")


def test_a_patient_is_removed_by_the_keyboard_alone(open_page: OpenPage, clinic: Clinic) -> None:
    """The first page leads to the question, the question asks once; nothing is done by the way."""
    watched = open_page()
    watched.enter("olga")
    page = watched.go(f"/admin/patients/patient/{clinic.patient.pk}/remove/")
    page.get_by_role("radio", name="Delete").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name=f"Delete patient {clinic.patient.pk}?").wait_for()
    assert Patient.objects.filter(pk=clinic.patient.pk).exists()
    watched.fits_here()
    page.get_by_role("button", name="Delete").focus()
    page.keyboard.press("Enter")
    page.get_by_text(f"Patient {clinic.patient.pk} is removed.").wait_for()
    assert not Patient.objects.filter(pk=clinic.patient.pk).exists()


def test_the_waitlist_is_not_cut_on_a_laptop(open_page: OpenPage, pages: list[str]) -> None:
    """Its last column says whether somebody has to be called."""
    watched = open_page()
    watched.enter("olga")
    page = watched.go("/admin/booking/waitlistentry/")
    page.locator("#result_list").get_by_text("Patient told").wait_for()
    assert page.evaluate(CUT_OF_A_LIST) <= 0


def test_every_page_fits_a_laptop_and_a_phone_and_is_legible(open_page: OpenPage, pages: list[str]) -> None:
    watched = open_page()
    watched.enter("olga")
    for path in pages:
        watched.fits(f"/admin/{path}")
