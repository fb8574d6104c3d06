"""The page of the five priorities on a laptop and on a phone, with rows in each state."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from backoffice.queue_server import connect
from backoffice.telemetry import tally
from backoffice.telemetry.export import KEY, LAG, LAST, TRACES
from backoffice.telemetry.timing import API
from clinic.booking.attempts import BOOKINGS
from clinic.events.inbound.models import Inbound, Unmatched
from clinic.events.models import ConsumerState, Outbox
from regions.models import Region
from tests.booking.world import make_booking
from tests.browser.conftest import OpenPage

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def troubled(region: Region, queue: object) -> Region:
    """Something of each kind is to be looked at or acted on."""
    ConsumerState.objects.create(name="notification")
    make_booking(region)
    at = timezone.now() - timedelta(days=3)
    Outbox.objects.update(recorded_at=timezone.now() - timedelta(minutes=37))
    Inbound.objects.create(
        region=region, channel="lis", protocol="mllp", message_id="1", digest="0", body="…", received_at=at
    )
    Unmatched.objects.create(region=region, channel="lis", event=Outbox.objects.all()[0])
    tally.add({(API, "GET", "run-list", "2xx", "8"): 40, (API, "POST", "appointment-list", "5xx", "3"): 2})
    tally.add({(BOOKINGS, region.name, "booked"): 12, (BOOKINGS, region.name, "failed"): 2, (TRACES, "failed"): 512})
    with connect() as client:
        client.hset(KEY, mapping={LAG: 2.5, LAST: at.timestamp()})
    assert tally.flush()
    return region


def test_it_fits_and_leads_on(open_page: OpenPage, troubled: Region) -> None:
    """[S4-19]"""
    watched = open_page()
    watched.enter("fiona")
    watched.fits("/admin/priorities/")
    page = watched.go("/admin/")
    page.get_by_role("link", name="The five priorities").click()
    expect(page.get_by_text("to act on")).to_be_visible()
    page.get_by_role("link", name="1 message belongs to nothing known here.").click()
    expect(page).to_have_url(f"{watched.address}/admin/events/unmatched/")
