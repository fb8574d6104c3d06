"""[C4] One thread of a visit: booking, sample, order, service, claim, remittance; the same on both of its pages."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from auditlog.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.test import Client
from django.utils import timezone

from billing.models import Claim
from clinic.booking.book import book, cancel
from clinic.booking.models import Appointment, LabOrder, Move, PosEvent, PosOrder, SampleEvent
from clinic.booking.outside.threads import Row, merged
from clinic.models import ServiceWrite
from tests.admin.billing_world import Billing
from tests.admin.conftest import SignIn, World, text_of
from tests.booking.world import FRONT_DESK, make_clinic

WHY = "her mother is in hospital"
DAYS = {"booking": 30, "sample": 25, "order": 24, "visit": 23, "service": 22, "claim": 21}


@dataclass
class Told:
    """A visit that was booked, cancelled in the end, and claimed; and its two pages."""

    claim: Claim
    visit: Appointment

    @property
    def of_claim(self) -> str:
        return f"/admin/billing/claim/{self.claim.pk}/change/"

    @property
    def of_visit(self) -> str:
        return f"/admin/booking/appointment/{self.visit.pk}/change/"


def ago(days: int) -> datetime:
    return timezone.now() - timedelta(days=days)


def tell(claim: Claim, write: ServiceWrite) -> Told:
    clinic = make_clinic(claim.region)
    clinic.doctor.hours.update(begins="00:00", ends="00:00")
    tomorrow = (timezone.now() + timedelta(days=1)).replace(hour=18, minute=0, second=0, microsecond=0)
    visit = book(clinic.wish(tomorrow), FRONT_DESK, external_id=claim.appointment_id)
    cancel(visit, FRONT_DESK, WHY)
    Move.objects.filter(appointment=visit).update(at=ago(DAYS["booking"]))
    order = LabOrder.objects.create(region=claim.region, appointment=visit, number="O-7", state="collected")
    SampleEvent.objects.create(order=order, key="1", kind="collected", specimen="S-1", occurred_at=ago(DAYS["sample"]))
    sale = PosOrder.objects.create(region=claim.region, appointment=visit, number="PO-1", currency="USD", paid=3000)
    for number, (kind, amount) in enumerate((("placed", 3000), ("paid", 3000), ("refunded", 550))):
        at = ago(DAYS["order"]) + timedelta(minutes=number)
        PosEvent.objects.create(order=sale, key=str(number), kind=kind, amount=amount, occurred_at=at)
    ServiceWrite.objects.filter(pk=write.pk).update(start=ago(DAYS["visit"]), created_at=ago(DAYS["service"]))
    Claim.objects.filter(pk=claim.pk).update(created_at=ago(DAYS["claim"]))
    return Told(claim, visit)


@pytest.fixture
def told(north: World, billing: Billing) -> Told:
    return tell(billing.paid, north.write)


def rows_of(page: str) -> list[tuple[str, str, list[str]]]:
    """(kind, what it says, where its links lead) of each row of the thread."""
    (table,) = re.findall(r'aria-labelledby="c-thread">(.*?)</section>', page, re.DOTALL)
    rows = re.findall(r'<tr data-kind="(\w+)">(.*?)</tr>', table, re.DOTALL)
    return [
        (kind, " ".join(unescape(re.sub(r"<[^>]+>", " ", row)).split()), re.findall(r'href="([^"]+)"', row))
        for kind, row in rows
    ]


def test_the_thread_is_one_and_the_same_on_both_pages_in_the_order_of_time(sign_in: SignIn, told: Told) -> None:
    client = sign_in("finance")
    rows = rows_of(text_of(client, told.of_visit))
    assert rows == rows_of(text_of(client, told.of_claim))
    kinds = [kind for kind, _, _ in rows]
    assert kinds[:9] == [
        "booking", "booking", "sample", "order", "order", "order", "visit", "service", "claim",
    ]  # fmt: skip
    assert kinds[9:][-1] == "remittance"
    assert {"batch", "acknowledgement"} <= set(kinds[9:])


@pytest.mark.parametrize(
    ("zone", "said", "placed"),
    [("America/Chicago", "2026-03-03T02:00", "first"), ("Asia/Jakarta", "2026-03-02T18:00", "last")],
)
def test_a_row_that_is_told_late_stands_at_the_end_of_its_day_in_the_region(zone: str, said: str, placed: str) -> None:
    """Eight in the evening in Chicago is before the end of the day; one in the morning in Jakarta is after it."""
    dated = Row(at=datetime(2026, 3, 9, 12, tzinfo=UTC), kind="remittance", title="paid", links=(), day="2026-03-02")
    sold = Row(at=datetime.fromisoformat(f"{said}+00:00"), kind="order", title="sold", links=())
    order = [sold, dated] if placed == "first" else [dated, sold]
    assert merged([dated], [sold], ZoneInfo(zone)) == merged([sold], [dated], ZoneInfo(zone)) == order


def test_each_row_says_what_and_leads_to_where_it_stands(sign_in: SignIn, told: Told) -> None:
    client = sign_in("finance")
    rows = rows_of(text_of(client, told.of_claim))
    for words, address in (
        ("Booked", told.of_visit), ("Cancelled", told.of_visit), ("Laboratory: collected", f"{told.of_visit}#lab"),
        ("specimen S-1", f"{told.of_visit}#lab"), ("Point of sale: paid", f"{told.of_visit}#till"),
        ("-5.50 USD", f"{told.of_visit}#till"), ("Recovered services written", "/admin/clinic/servicewrite/"),
        (f"Claim {told.claim.control}", told.of_claim), ("$90.00", "/admin/billing/document/"),
    ):  # fmt: skip
        (links,) = (links for _, says, links in rows if words in says)
        assert any(link.startswith(address) for link in links), (words, links)
    for kind, says, links in rows:
        assert links, (kind, says)
        for link in links:
            assert client.get(link.partition("#")[0]).status_code == 200, link


def test_a_visit_that_nobody_claimed_and_a_claim_of_no_booked_visit_have_their_part(
    sign_in: SignIn, billing: Billing, told: Told
) -> None:
    client = sign_in("finance")
    Appointment.objects.filter(pk=told.visit.pk).update(external_id="V-of-nobody")
    assert {kind for kind, _, _ in rows_of(text_of(client, told.of_visit))} == {"booking", "sample", "order"}
    kinds = {kind for kind, _, _ in rows_of(text_of(client, told.of_claim))}
    assert {"visit", "service", "claim", "remittance"} <= kinds
    assert not {"booking", "sample", "order"} & kinds


@pytest.mark.parametrize(("role", "sees"), [("finance", True), ("viewer", False), ("engineer", False)])
def test_why_is_for_whom_may_see_patient_data_and_the_look_is_in_the_audit_log(
    sign_in: SignIn, told: Told, role: str, sees: bool
) -> None:
    client = sign_in(role)
    for page in (told.of_claim, told.of_visit):
        assert (WHY in text_of(client, page)) is sees, page
    looks = LogEntry.objects.filter(action=LogEntry.Action.ACCESS, object_id=told.visit.pk)
    of_visit = looks.filter(content_type=ContentType.objects.get_for_model(Appointment))
    assert [entry.additional_data["masked"] for entry in of_visit if entry.additional_data] == [not sees] * 2


def test_outsiders_see_neither_page_and_nothing_of_another_region_is_told(
    sign_in: SignIn, north: World, south: World, billing: Billing, others: Billing, told: Told, client: Client
) -> None:
    """The same number of a visit in two regions: each thread has its own region's rows alone."""
    theirs = tell(others.paid, south.write)
    number = told.claim.appointment_id
    Claim.objects.filter(pk=theirs.claim.pk).update(appointment_id=number)
    Appointment.objects.filter(pk=theirs.visit.pk).update(external_id=number)
    PosOrder.objects.filter(appointment=theirs.visit).update(number="PO-SOUTH")
    for page in (theirs.of_claim, theirs.of_visit):
        assert client.get(page)["Location"].startswith("/admin/login/")
        assert sign_in(None).get(page).status_code == 403
        assert sign_in("finance").get(page).status_code == 404
    for page in (told.of_claim, told.of_visit):
        mine: Any = rows_of(text_of(sign_in("finance"), page))
        assert "PO-SOUTH" not in str(mine)
        assert theirs.claim.control not in str(mine)
        assert str(theirs.of_visit) not in str(mine)
