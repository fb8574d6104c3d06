"""A region with accounts at sandbox vendors, a clinic in it, and a clock that the test moves."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine

from backoffice.sandbox.peer import HttpPeer
from backoffice.sandbox.twilio import ACCOUNT, FROM, Twilio
from regions.models import Region
from tests.booking.world import Clinic, make_clinic
from tests.factories import RegionFactory

TOKEN = "a-token-of-these-tests"
PUBLIC = "http://127.0.0.1:9"  # where nobody listens: what Twilio would tell, a test tells itself
# A Sunday, 10:00 in Los Angeles; the next Sunday at 02:00 the clock is put forward.
NOW = datetime(2026, 3, 1, 18, tzinfo=UTC)


@pytest.fixture
def now() -> Iterator[time_machine.Traveller]:
    """It is Sunday at ten; the test may move the clock."""
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture(scope="session")
def served() -> Iterator[HttpPeer[Twilio]]:
    """One Twilio for all tests of a process; its own clock is the real one."""
    with HttpPeer(Twilio(token=TOKEN)) as peer:
        yield peer


@pytest.fixture
def twilio(served: HttpPeer[Twilio], settings: Any) -> HttpPeer[Twilio]:
    """As it was when it began."""
    vendor = served.vendor
    vendor.outcomes.clear()
    vendor.opted_out.clear()
    vendor.control({"clear": True, "reset_counts": True})
    vendor.messages = type(vendor.messages)()
    settings.TWILIO_URL, settings.PUBLIC_URL, settings.NOTICE_TIMEOUT_SECONDS = served.url, "", 20.0
    return served


def make_region(name: str = "west", **fields: Any) -> Region:
    """In Los Angeles, with an account at the sandbox Twilio."""
    env_vars = {"TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": TOKEN, "TWILIO_FROM": FROM}
    values = {"display_name": name.title(), "time_zone": "America/Los_Angeles", "env_vars": env_vars}
    return RegionFactory.create(name=name, **{**values, **fields})


@pytest.fixture
def clinic(db: None, now: time_machine.Traveller, twilio: HttpPeer[Twilio]) -> Clinic:
    """Open day and night."""
    made = make_clinic(make_region())
    made.doctor.hours.update(begins="00:00", ends="00:00")
    return made
