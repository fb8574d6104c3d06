"""The page of the five priorities before, during and after a fault in each; NIGHTWARD_PICTURES=FOLDER keeps them."""

import os
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from django.utils import timezone
from redis import Redis

from backoffice.telemetry import tally
from backoffice.telemetry.export import KEY, LAG, LAST
from backoffice.telemetry.timing import API
from clinic.booking.attempts import BOOKINGS
from clinic.booking.book import cancel
from clinic.booking.models import Appointment
from clinic.events import stream
from clinic.events.consumers import consumers
from clinic.events.inbound.models import Inbound
from clinic.events.models import Outbox
from clinic.events.publishing import publish_events
from clinic.events.replica import Replica
from clinic.notices.models import Notice
from regions.models import Region
from tests.admin.test_notices_pages import notice
from tests.booking.world import FRONT_DESK, make_booking
from tests.browser.conftest import OpenPage, Watched

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
ROW = re.compile(
    r'data-label="Priority"><div>(?P<title>[^<]+)<.*?data-label="State"><span[^>]*>(?P<state>\w+)<', re.DOTALL
)


class Fault(NamedTuple):
    """What goes wrong with a priority, by its title; and what makes it right again."""

    name: str
    title: str
    harm: Callable[[], object]
    mend: Callable[[], object]


@pytest.fixture
def replicas(region: Region, queue: Redis) -> Iterator[list[Replica]]:
    """As many of each consumer as are meant to run; a turn says that they do."""
    publish_events(queue)
    with stream.connect() as client:
        yield [Replica(consumer=one, client=client) for one in consumers() for _ in range(one.replicas)]


@pytest.fixture
def faults(region: Region, queue: Redis, replicas: list[Replica]) -> list[Fault]:
    """Each is a figure's own source, spoilt and set right: no state of the page is written by hand."""
    message = notice(region)
    Notice.objects.update(state="delivered", changed_at=timezone.now())
    heard = Inbound.objects.create(region=region, channel="lis", protocol="mllp", message_id="1", digest="0", body="…")
    make_booking(region)
    turn(queue, replicas)

    def answers(status: str, number: int) -> None:
        tally.add({(API, "POST", "appointment-list", status, "3"): number})

    def attempts(what: str, number: int) -> None:
        tally.add({(BOOKINGS, region.name, what): number})

    def lag(seconds: float) -> None:
        queue.hset(KEY, mapping={LAG: seconds, LAST: timezone.now().timestamp()})

    answers("2xx", 40)
    attempts("booked", 20)
    lag(1.2)
    old = timezone.now() - timedelta(minutes=37)
    return [
        Fault("api", "API response time", lambda: answers("5xx", 2), lambda: answers("2xx", 400)),
        Fault("booking", "Booking success", lambda: attempts("refused", 20), lambda: attempts("booked", 200)),
        Fault(
            "notifications", "Notification delivery",
            lambda: Notice.objects.filter(pk=message.pk).update(state="planned", try_at=old),
            lambda: Notice.objects.filter(pk=message.pk).update(state="delivered"),
        ),
        Fault(
            "laboratory", "LIS integration",
            lambda: Inbound.objects.filter(pk=heard.pk).update(received_at=timezone.now() - timedelta(days=3)),
            lambda: Inbound.objects.filter(pk=heard.pk).update(received_at=timezone.now()),
        ),
        Fault(
            "consumer", "Consumer lag", lambda: late(region, old),
            lambda: made_up(queue, replicas),
        ),
        Fault("traces", "Trace lag", lambda: lag(90.0), lambda: lag(1.1)),
    ]  # fmt: skip


def late(region: Region, since: datetime) -> None:
    """Events that no replica has taken."""
    cancel(Appointment.objects.get(region=region, external_id="A-7"), FRONT_DESK, "the patient is ill")
    Outbox.objects.update(recorded_at=since)


def turn(queue: Redis, replicas: list[Replica]) -> None:
    """All that is recorded is published and handled."""
    publish_events(queue)
    while sum(replica.turn(wait=0) for replica in replicas):
        pass


def made_up(queue: Redis, replicas: list[Replica]) -> None:
    """The same, and what it had to say is said: by day, a message of half an hour ago is due at once."""
    turn(queue, replicas)
    Notice.objects.filter(state="planned").update(state="delivered")


def states(watched: Watched, picture: str, replicas: list[Replica]) -> dict[str, set[str]]:
    """The states of each priority on the page, which is kept as a picture where that is asked for."""
    for replica in replicas:
        replica.turn(wait=0)  # it says that it lives; nothing has been published for it
    assert tally.flush()
    page = watched.go("/admin/priorities/")
    if folder := os.environ.get("NIGHTWARD_PICTURES"):
        page.screenshot(path=Path(folder) / f"priorities-{picture}.png", full_page=True)
    found: dict[str, set[str]] = {}
    for row in ROW.finditer(page.content()):
        found.setdefault(row["title"], set()).add(row["state"])
    return found


def test_a_fault_in_each_is_shown_where_it_is_and_is_gone_when_it_is(
    faults: list[Fault], open_page: OpenPage, queue: Redis, replicas: list[Replica]
) -> None:
    """[S4-18] [S4-19] Before, during and after; the others stay fine meanwhile."""
    watched = open_page()
    watched.enter("fiona")
    fine = {fault.title: {"fine"} for fault in faults}
    assert states(watched, "before", replicas) == fine
    for fault in faults:
        fault.harm()
        during = states(watched, fault.name, replicas)
        assert during.pop(fault.title) - {"fine"}, fault.name
        assert during == {title: state for title, state in fine.items() if title != fault.title}, fault.name
        fault.mend()
    turn(queue, replicas)
    assert states(watched, "after", replicas) == fine
