"""The page of the five priorities: its states, whose figures it shows, and who sees it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from redis import Redis

from backoffice.monitor import limits
from backoffice.monitor.priorities import Row, State, failing, priorities
from backoffice.telemetry import tally
from backoffice.telemetry.export import KEY, LAG, LAST, TRACES
from backoffice.telemetry.timing import API, BUCKETS
from clinic.booking.attempts import BOOKINGS
from clinic.booking.models import Appointment
from clinic.events.inbound.models import Inbound, Unmatched
from clinic.events.models import DeadLetter, Outbox
from clinic.events.publishing import publish_events
from clinic.notices.models import Notice
from clinic.notices.planning import plan_event
from regions.models import Region
from tests.booking.world import Clinic, make_booking
from tests.factories import RegionFactory, SuperuserFactory, UserFactory

pytestmark = pytest.mark.django_db
PAGE = "/admin/priorities/"
Look = Callable[[], dict[str, Row]]


@pytest.fixture
def north(queue: Redis) -> Region:
    tally._waiting.clear()
    return RegionFactory.create(name="north", display_name="North")


@pytest.fixture
def look(north: Region) -> Look:
    """Title → row, of the north and the consumer of notifications."""

    def read() -> dict[str, Row]:
        rows = priorities([north], everywhere=False)
        return {row.title: row for row in rows if row.title != "Consumer lag" or row.where == "Notifications"}

    return read


@pytest.fixture
def clinic(north: Region) -> Clinic:
    return make_booking(north)


def answers(number: int, bucket: int, status: str = "2xx", route: str = "run-list") -> None:
    tally.add({(API, "GET", route, status, str(bucket)): number})


def client_of(role: str | None, *regions: Region) -> Client:
    client = Client()
    user = SuperuserFactory.create() if role == "superuser" else UserFactory.create(role=role, regions=regions)
    client.force_login(user)
    return client


def test_where_nothing_has_happened_all_is_fine_and_has_no_number(look: Look) -> None:
    """[S4-19]"""
    rows = look()
    assert list(rows) == [
        "API response time", "Booking success", "Notification delivery", "Consumer lag", "Trace lag",
    ]  # fmt: skip
    assert rows.pop("Consumer lag").state is State.LOOK  # no replica runs
    assert {row.state for row in rows.values()} == {State.FINE}
    assert {row.number for row in rows.values()} == {None}


def test_the_api_is_judged_by_95_of_100_answers_and_by_its_faults(look: Look) -> None:
    """[S4-19]"""
    answers(95, 4)
    answers(5, len(BUCKETS))
    row = look()["API response time"]
    assert (row.state, row.figure, row.since) == (State.FINE, "0.1\N{NO-BREAK SPACE}s", None)
    answers(5, BUCKETS.index(2.5))
    row = look()["API response time"]
    assert (row.state, row.number) == (State.LOOK, 2.5)
    assert row.since is not None
    assert timezone.now() - row.since < timedelta(minutes=2)
    answers(20, len(BUCKETS))
    assert look()["API response time"].state is State.ACT


def test_a_few_faults_of_the_api_are_to_be_acted_on_and_slow_videos_are_not(look: Look) -> None:
    answers(50, len(BUCKETS), route="upload-detail")
    answers(97, 1)
    assert look()["API response time"].state is State.FINE
    answers(3, 1, "5xx")
    row = look()["API response time"]
    assert row.state is State.ACT
    assert "3.0 % of 100 answers" in row.said


def test_bookings_that_fail_are_acted_on_and_many_refusals_looked_at(look: Look) -> None:
    """[S4-19]"""
    tally.count(BOOKINGS, "north", "booked", amount=15)
    tally.count(BOOKINGS, "north", "refused", amount=4)
    tally.count(BOOKINGS, "south", "failed", amount=9)
    row = look()["Booking success"]
    assert (row.state, row.said) == (State.FINE, "Of 19 attempts: 15 booked, 4 refused, 0 failed.")
    tally.count(BOOKINGS, "north", "refused", amount=1)
    row = look()["Booking success"]
    assert (row.state, row.figure) == (State.LOOK, "75\N{NO-BREAK SPACE}%")
    tally.count(BOOKINGS, "north", "failed")
    row = look()["Booking success"]
    assert row.state is State.ACT
    assert row.since is not None


def test_an_api_that_fails_and_bookings_that_do_raise_an_alert_without_prometheus(look: Look, north: Region) -> None:
    """[S4-19] Nothing else among our own alerts tells of these."""
    answers(100, 1)
    tally.count(BOOKINGS, "north", "booked", amount=5)
    assert list(failing()) == []
    answers(5, 1, "5xx")
    tally.count(BOOKINGS, "north", "failed")
    api, booking = failing()
    assert (api.kind, api.key, api.region) == ("priority", "api-response-time/all", None)
    assert "4.8 % of 105 answers are 5xx" in api.message
    assert (booking.key, booking.region) == ("booking-success/north", north)
    assert "5 booked, 0 refused, 1 failed" in booking.message


def test_spans_that_are_not_taken_raise_one(look: Look) -> None:
    """[S4-18]"""
    tally.count(TRACES, "failed", amount=7)
    (lag,) = failing()
    assert lag.key == "trace-lag/all"
    assert "7 spans not taken within 15 minutes. See whether the collector runs" in lag.message


def test_messages_that_are_overdue_are_acted_on_and_refused_ones_looked_at(look: Look, clinic: Clinic) -> None:
    """[S4-19]"""
    event = Outbox.objects.get(type="appointment.booked")
    appointment = Appointment.objects.select_related("region", "patient__region").get()
    plan_event(appointment, event.type, appointment.begins, event.recorded_at)
    now = timezone.now()
    Notice.objects.update(state="planned", try_at=now + timedelta(hours=1))
    assert look()["Notification delivery"].state is State.FINE
    made = Notice.objects.filter(channel="sms").values()[0]
    fresh = {name: value for name, value in made.items() if name not in ("id", "row_id", "scheduled_for", "state")}
    Notice.objects.bulk_create(
        Notice(**fresh, scheduled_for=now + timedelta(minutes=n), state="failed" if n < 2 else "sent")
        for n in range(1, 21)
    )
    assert look()["Notification delivery"].number == pytest.approx(95)
    assert look()["Notification delivery"].state is State.FINE
    Notice.objects.filter(state="sent").order_by("pk")[0]
    Notice.objects.filter(pk=Notice.objects.filter(state="sent").order_by("pk")[0].pk).update(state="maybe_sent")
    assert look()["Notification delivery"].state is State.LOOK
    Notice.objects.filter(state="planned").update(try_at=now - timedelta(hours=1))
    row = look()["Notification delivery"]
    assert row.state is State.ACT
    assert row.since == now - timedelta(hours=1)


def test_a_laboratory_is_silent_then_unmatched_then_stuck(look: Look, clinic: Clinic) -> None:
    """[S4-19]"""
    at = timezone.now() - timedelta(hours=23)
    fields = {"region": clinic.region, "channel": "lis"}
    Inbound.objects.create(**fields, protocol="mllp", message_id="1", digest="0", body="OKONKWO", received_at=at)
    row = look()["LIS integration"]
    assert (row.state, row.figure) == (State.FINE, "23 h 0 min")
    Inbound.objects.update(received_at=at - timedelta(hours=2))
    row = look()["LIS integration"]
    assert (row.state, row.since) == (State.LOOK, at - timedelta(hours=2))
    event = Outbox.objects.all()[0]
    Unmatched.objects.create(**fields, event=event)
    assert look()["LIS integration"].what == "1 message belongs to nothing known here."
    DeadLetter.objects.create(region=clinic.region, event=event, consumer="lis-sample-status", state="dead")
    assert look()["LIS integration"].state is State.ACT


@pytest.mark.django_db(transaction=True)
def test_a_consumer_is_judged_by_its_oldest_event(look: Look, queue: Redis, north: Region) -> None:
    """[S4-19]"""
    publish_events(queue)  # the consumers begin
    make_booking(north)
    for age, state in ((limits.EVENT_LOOK, State.LOOK), (limits.EVENT_ACT, State.ACT)):
        Outbox.objects.update(recorded_at=timezone.now() - age - timedelta(seconds=5))
        row = look()["Consumer lag"]
        assert row.state is state
        assert row.number == pytest.approx(age.total_seconds() + 5, abs=5)
        assert row.since is not None


def test_traces_that_are_not_taken_or_late_are_looked_at(look: Look, queue: Redis) -> None:
    """[S4-18] [S4-19]"""
    queue.hset(KEY, mapping={LAG: 2.5, LAST: timezone.now().timestamp()})
    assert (look()["Trace lag"].state, look()["Trace lag"].number) == (State.FINE, 2.5)
    queue.hset(KEY, LAG, 61)
    assert look()["Trace lag"].state is State.LOOK
    queue.hset(KEY, LAG, 2.5)
    tally.count(TRACES, "failed", amount=12)
    row = look()["Trace lag"]
    assert (row.state, row.said) == (State.LOOK, "12 spans not taken within 15 minutes.")


def test_without_the_queues_server_what_it_counts_is_not_known(look: Look, settings: Any) -> None:
    settings.RQ_QUEUES = {name: {"URL": "redis://127.0.0.1:1/0"} for name in settings.RQ_QUEUES}
    rows = look()
    assert rows["API response time"].state is rows["Booking success"].state is State.ACT
    assert rows["API response time"].said == "Not known: the queue's server does not answer."
    assert rows["Notification delivery"].state is State.FINE


@pytest.mark.parametrize("role", ["viewer", "finance", "operator", "engineer", "auditor", "superuser"])
def test_every_role_sees_it_with_its_own_regions(north: Region, role: str) -> None:
    """[S4-19]"""
    RegionFactory.create(name="south", display_name="Southern")
    tally.count(BOOKINGS, "north", "failed")
    answer = client_of(role, north).get(PAGE)
    assert answer.status_code == 200
    text = answer.content.decode()
    assert "North" in text
    assert ("Southern" in text) is (role == "superuser")
    assert "to act on" in text
    assert "docs/operations.md#booking-success" in text


def test_nobody_else_does(client: Client, north: Region) -> None:
    assert client.get(PAGE).status_code == 302
    assert client_of(None, north).get(PAGE).status_code == 403
    assert client_of("viewer", north).post(PAGE).status_code == 405


def test_the_dashboard_leads_to_it(north: Region) -> None:
    assert f'href="{PAGE}"' in client_of("viewer", north).get("/admin/").content.decode()


def test_no_patient_is_on_it(clinic: Clinic) -> None:
    text = client_of("viewer", clinic.region).get(PAGE).content.decode()
    for secret in (clinic.patient.given_name, clinic.patient.family_name, str(clinic.patient.phone), "A-7"):
        assert secret not in text
