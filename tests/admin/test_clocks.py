"""Each list and page of the clinic shows a region by its display name, and times by the clock of the row's region."""

import re

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from backoffice.staffadmin import StaffAdmin
from clinic.booking.book import book, hold
from clinic.booking.models import Appointment, Hold, HoursException, LabOrder, PosOrder, WaitlistEntry
from clinic.booking.waiting import Waiting, join
from clinic.notices.bedtime import enrol
from clinic.notices.models import Template
from clinic.reports.models import Report
from regions.models import Region
from tests.admin.test_notices_pages import notice
from tests.booking.conftest import clinic, now
from tests.booking.told import tell
from tests.booking.world import FRONT_DESK, MINUTE, MONDAY, Clinic, PatientFactory, make_clinic
from tests.care.test_eligibility_pages import unknown
from tests.factories import RegionFactory, UserFactory
from tests.uploads.conftest import no_files
from tests.uploads.world import a_video

__all__ = ["clinic", "no_files", "now"]
pytestmark = pytest.mark.django_db
KEY, PLACE = "r-0815", "Purbalingga"
EIGHT = MONDAY.replace(hour=1)  # in the morning there
APPS = ("booking", "care", "events", "notices", "patients", "reports", "uploads")
CELL = re.compile(r'<(?:td|th)[^>]*data-label="([^"]*)"[^>]*>(.*?)</(?:td|th)>', re.DOTALL)


@pytest.fixture
def abroad(now: object) -> Clinic:
    """A clinic in a region whose key nobody should see, seven hours ahead; with a hold, an offer and who waits."""
    place = make_clinic(RegionFactory.create(name=KEY, display_name=PLACE, time_zone="Asia/Jakarta"))
    hold(place.wish(EIGHT + 60 * MINUTE))
    for minutes in (90, 30):
        join(Waiting(type=place.check, patient=place.patient, earliest=EIGHT, latest=EIGHT + minutes * MINUTE))
    book(place.wish(EIGHT + 30 * MINUTE), FRONT_DESK)
    return place


def a_row_of_all_else(place: Clinic) -> None:
    region = place.region
    visit = Appointment.objects.earliest("pk")
    HoursException.objects.create(region=region, first_day="2026-03-03", last_day="2026-03-03")
    LabOrder.objects.create(region=region, appointment=visit, number="LO-1")
    PosOrder.objects.create(region=region, appointment=visit, number="PO-1", currency="IDR")
    report = unknown(region)
    notice(region)
    enrol(place.patient, timezone.now().time())
    Template.objects.create(region=region, kind="reminder_day", language="en", body="Hello")
    a_video(region, patient=place.patient)
    days = {"begins": "2026-03-01", "ends": "2026-04-01"}
    Report.objects.create(region=region, run=report.run, kind="visits", format="csv", rows=1, size=1, **days)
    tell(region, "lis.sample.collected", "LO-2", appointment_id="typo")


def lists() -> list[tuple[str, StaffAdmin]]:
    """(address, admin) of each of the clinic's models that has a region."""
    return [
        (f"/admin/{model._meta.app_label}/{model._meta.model_name}/", page)
        for model, page in admin.site._registry.items()
        if model._meta.app_label in APPS and isinstance(page, StaffAdmin) and page.region_path == "region"
    ]


def signed_in(*regions: Region) -> Client:
    client = Client()
    client.force_login(UserFactory.create(role="operator", regions=regions))
    return client


def text_of(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200, address
    return str(response.content.decode())


def shown(text: str) -> str:
    """What of a page is read, from its content on."""
    return re.sub(r"<[^>]+>", " ", text.partition('id="content')[2] or text)


def test_every_list_and_every_row_speaks_of_the_place_and_its_clock(abroad: Clinic) -> None:
    a_row_of_all_else(abroad)
    client = signed_in(abroad.region)
    for address, page in lists():
        rows = list(page.model._default_manager.filter(region=abroad.region))
        assert rows or page.model._meta.model_name in ("deadletter", "commandstate"), address
        for path in (address, *(f"{address}{row.pk}/change/" for row in rows[:1])):
            response = client.get(path)
            if response.status_code != 302:  # to the page of another row, which shows it
                text = shown(response.content.decode())
                assert PLACE in text or not rows, path
                assert KEY not in text, path
                assert "UTC" not in text, path


def test_two_regions_in_one_list_have_each_its_own_clock(abroad: Clinic) -> None:
    here = make_clinic()
    hold(here.wish(MONDAY + 120 * MINUTE))
    text = text_of(signed_in(abroad.region, here.region), "/admin/booking/hold/")
    begins = [" ".join(shown(value).split()) for label, value in CELL.findall(text) if label == "begins"]
    assert "2026-03-02 10:00 CST" in begins
    assert "2026-03-02 09:00 WIB" in begins


def test_the_waitlists_offer_is_told_by_the_regions_clock(abroad: Clinic) -> None:
    entry = WaitlistEntry.objects.get(state="offered")
    text = text_of(signed_in(abroad.region), f"/admin/booking/waitlistentry/{entry.pk}/change/")
    assert entry.hold is not None
    local = entry.hold.begins.astimezone(abroad.region.zone)
    assert f"{local:%Y-%m-%d %H:%M} WIB" in " ".join(shown(text).split())
    none = WaitlistEntry.objects.get(state="waiting")
    assert ">None<" not in text_of(signed_in(abroad.region), f"/admin/booking/waitlistentry/{none.pk}/change/")


def test_a_list_is_still_sorted_by_time_and_by_region(abroad: Clinic) -> None:
    """By the instant, not by what the clocks show: 10:00 in Chicago comes after 09:00 in Jakarta, and before 23:30."""
    here = make_clinic(RegionFactory.create(name="a-first"))
    hold(here.wish(MONDAY))
    client = signed_in(abroad.region, here.region)

    def order(column: int) -> list[Hold]:
        return list(client.get(f"/admin/booking/hold/?o={column}").context["cl"].result_list)

    assert [row.begins for row in order(4)] == sorted(row.begins for row in Hold.objects.all())
    assert [row.region.name for row in order(1)] == sorted(row.region.name for row in Hold.objects.all())


@pytest.mark.parametrize("model", ["hold", "waitlistentry", "resource"])
def test_filters_offer_the_display_names_of_the_users_regions(abroad: Clinic, model: str) -> None:
    other, third = RegionFactory.create(display_name="Aurora"), RegionFactory.create(display_name="Elsewhere")
    client = signed_in(abroad.region, other)
    text = shown(text_of(client, f"/admin/booking/{model}/"))
    assert PLACE in text
    assert "Aurora" in text
    assert KEY not in text
    assert third.display_name not in text
    only = client.get(f"/admin/booking/{model}/?region__id__exact={other.pk}")
    assert list(only.context["cl"].result_list) == []


def test_a_form_offers_regions_by_their_display_names(abroad: Clinic) -> None:
    text = text_of(signed_in(abroad.region), "/admin/booking/resource/add/")
    assert re.search(rf"<option[^>]*>{PLACE}</option>", text)
    assert KEY not in shown(text)


def test_a_page_with_a_form_says_its_region_once(abroad: Clinic) -> None:
    page = shown(text_of(signed_in(abroad.region), f"/admin/booking/resource/{abroad.doctor.pk}/change/"))
    assert page.count(PLACE) == 1


def test_a_longer_list_asks_the_database_no_more_often(abroad: Clinic) -> None:
    client = signed_in(abroad.region)

    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            text_of(client, "/admin/patients/patient/")
        return len(queries)

    before = max(asked(), asked())
    for _ in range(5):
        PatientFactory.create(region=abroad.region)
    assert asked() <= before
