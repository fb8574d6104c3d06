"""/metrics: for who has the token; figures of the whole installation; no patient in any of it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from redis import Redis

from backoffice.monitor import exposition
from backoffice.runs.models import Run
from backoffice.telemetry import tally
from clinic.events.inbound.models import Inbound
from clinic.events.models import DeadLetter, Outbox
from clinic.notices.models import Notice
from clinic.notices.planning import plan_event
from regions.models import Region
from tests.booking.conftest import client_of
from tests.booking.world import Clinic, make_booking
from tests.factories import RegionFactory

pytestmark = pytest.mark.django_db
TOKEN = "token-of-the-scraper"
Scrape = Callable[[], dict[tuple[str, ...], float]]


@pytest.fixture
def north(db: None, queue: Redis) -> Region:
    tally._waiting.clear()
    return RegionFactory.create(name="north", display_name="North")


@pytest.fixture
def clinic(north: Region) -> Clinic:
    """With one appointment, a hold and somebody who waits."""
    return make_booking(north)


@pytest.fixture
def scrape(settings: Any, client: Client, queue: Redis) -> Scrape:
    """(name, each label's value in the order of their names) → figure."""
    settings.METRICS_TOKENS = [TOKEN]

    def read() -> dict[tuple[str, ...], float]:
        text = client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"}).content.decode()
        return {
            (
                sample.name.removeprefix("nightward_"),
                *(sample.labels[label] for label in sorted(sample.labels)),
            ): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    return read


def test_without_a_setting_there_is_no_such_page(client: Client, settings: Any) -> None:
    assert settings.METRICS_TOKENS == []
    assert client.get("/metrics", headers={"authorization": "Bearer "}).status_code == 404


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer other", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer é"])
def test_without_the_token_nothing_is_told(client: Client, settings: Any, header: str | None) -> None:
    settings.METRICS_TOKENS = [TOKEN]
    answer = client.get("/metrics", headers={} if header is None else {"authorization": header})
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"
    assert "nightward" not in answer.content.decode()


def test_two_tokens_are_good_while_one_takes_the_others_place(client: Client, settings: Any, queue: Redis) -> None:
    settings.METRICS_TOKENS = ["new", "old"]
    said = [client.get("/metrics", headers={"authorization": f"Bearer {one}"}) for one in ("new", "old", "new,old")]
    assert [answer.status_code for answer in said] == [200, 200, 401]


def test_no_sign_in_opens_it(admin_client: Client, settings: Any) -> None:
    settings.METRICS_TOKENS = [TOKEN]
    assert admin_client.get("/metrics").status_code == 401


def test_a_region_more_is_no_question_more(scrape: Scrape, north: Region) -> None:
    """A scrape comes every half minute, of a hundred regions as of one."""
    with CaptureQueriesContext(connection) as of_one:
        scrape()
    for number in range(20):
        other = RegionFactory.create(name=f"r{number}", display_name=f"R{number}")
        Inbound.objects.create(region=other, channel="lis", protocol="webhook", message_id="m", body="")
    with CaptureQueriesContext(connection) as of_many:
        figures = scrape()
    assert len(of_many) == len(of_one)
    assert ("inbound_last_message_timestamp_seconds", "lis", "r7") in figures
    assert ("inbound_last_message_timestamp_seconds", "pos", "r7") not in figures


def test_it_is_for_reading_under_any_name_of_the_host(client: Client, settings: Any, queue: Redis) -> None:
    settings.METRICS_TOKENS, settings.SECURE_SSL_REDIRECT = [TOKEN], True
    with_token = {"authorization": f"Bearer {TOKEN}", "host": "10.1.2.3:8000"}
    assert client.get("/metrics", headers=with_token).status_code == 200
    assert client.post("/metrics", headers=with_token).status_code == 405


def test_a_source_that_cannot_be_read_is_missing_and_the_others_are_not(scrape: Scrape, settings: Any) -> None:
    settings.RQ_QUEUES = {name: {"URL": "redis://127.0.0.1:1/0"} for name in settings.RQ_QUEUES}
    figures = scrape()
    assert figures["up", "queues"] == figures["up", "api"] == 0
    assert figures["up", "runs"] == figures["up", "outbox"] == 1
    assert ("queue_depth", "default") not in figures
    assert ("consumer_lag_events", "notification") in figures


def test_every_source_can_be_read(scrape: Scrape) -> None:
    figures = scrape()
    assert {name: figures["up", name] for name in exposition.SOURCES} == dict.fromkeys(exposition.SOURCES, 1)


def test_requests_of_the_api_are_timed_by_route_and_class_of_status(scrape: Scrape, clinic: Clinic) -> None:
    """[S4-19]"""
    api = client_of(clinic)
    for _ in range(2):
        assert api.get("/api/v1/appointments/").status_code == 200
    api.get("/api/v1/appointments/999/?secret=1")
    api.get("/api/v1/nothing/PATIENT-77/")
    figures = scrape()
    assert figures["api_request_seconds_count", "GET", "appointment-list", "2xx"] == 2
    assert figures["api_request_seconds_bucket", "+Inf", "GET", "appointment-list", "2xx"] == 2
    assert 0 < figures["api_request_seconds_sum", "GET", "appointment-list", "2xx"] < 60
    assert figures["api_request_seconds_count", "GET", "appointment-detail", "4xx"] == 1
    assert figures["api_request_seconds_count", "GET", "unknown", "4xx"] == 1


def test_attempts_to_book_are_counted_by_what_became_of_them(scrape: Scrape, clinic: Clinic) -> None:
    """[S4-19]"""
    api = client_of(clinic)
    begins = (timezone.now() + timedelta(days=2)).replace(minute=0, second=0, microsecond=0)
    wish = {"type": clinic.check.pk, "patient": clinic.patient.pk, "begins": begins.isoformat()}
    before = scrape()
    answers = [api.post("/api/v1/appointments/", wish, format="json").status_code for _ in range(3)]
    assert answers == [201, 409, 409]
    figures = scrape()
    assert figures["bookings_total", "north", "booked"] == before["bookings_total", "north", "booked"] + 1
    assert figures["bookings_total", "north", "refused"] == 2


def test_events_queues_and_dead_letters_are_told(scrape: Scrape, clinic: Clinic, queue: Redis) -> None:
    """[S4-19]"""
    Outbox.objects.update(recorded_at=timezone.now() - timedelta(minutes=7))
    figures = scrape()
    recorded = Outbox.objects.count()
    assert recorded
    assert figures["outbox_unpublished",] == recorded
    assert 400 < figures["outbox_oldest_seconds",] < 500
    assert figures["consumer_replicas_wanted", "notification"] == 2
    assert figures["consumer_replicas_wanted", "checkup"] == 0
    assert figures["consumer_replicas", "notification"] == 0
    assert figures["queue_depth", "notifications"] == 0
    DeadLetter.objects.create(
        region=clinic.region, event=Outbox.objects.all()[0], consumer="notification", state="dead"
    )
    assert scrape()["dead_letters", "notification", "north"] == 1


def test_messages_and_laboratories_are_told_by_region(scrape: Scrape, clinic: Clinic) -> None:
    """[S4-19]"""
    event = Outbox.objects.filter(type="appointment.booked").get()
    from clinic.booking.models import Appointment

    appointment = Appointment.objects.select_related("region", "patient__region").get()
    plan_event(appointment, event.type, appointment.begins, event.recorded_at)
    notice = Notice.objects.filter(channel="sms").first()
    assert notice is not None
    Notice.objects.filter(pk=notice.pk).update(state="delivered", changed_at=timezone.now())
    at = timezone.now() - timedelta(hours=3)
    Inbound.objects.create(
        region=clinic.region, channel="lis", protocol="mllp", message_id="1", digest="0", body="OKONKWO", received_at=at
    )
    figures = scrape()
    assert figures["notifications_last_hour", "sms", "north", "delivered"] == 1
    assert figures["inbound_last_message_timestamp_seconds", "lis", "north"] == pytest.approx(at.timestamp())
    Notice.objects.filter(pk=notice.pk).update(changed_at=timezone.now() - timedelta(hours=2))
    assert ("notifications_last_hour", "sms", "north", "delivered") not in scrape()


def test_runs_that_failed_and_runs_that_wait_are_told(scrape: Scrape, north: Region) -> None:
    fields = {"region": north, "key": "north", "correlation_id": "0" * 32}
    Run.objects.create(job="recover_services", status="failed", **fields)
    Run.objects.create(job="sync_phones", created_at=timezone.now() - timedelta(minutes=20), **fields)
    figures = scrape()
    assert figures["runs_failed", "recover_services", "north"] == 1
    assert figures["runs_live", "sync_phones", "north", "queued"] == 1
    assert 1190 < figures["run_queued_seconds", "sync_phones"] < 1300


def test_no_patient_is_in_any_label(client: Client, scrape: Scrape, clinic: Clinic, settings: Any) -> None:
    client_of(clinic).get(f"/api/v1/patients/?external_id={clinic.patient.external_id}")
    scrape()
    text = client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"}).content.decode()
    patient = clinic.patient
    for secret in (patient.external_id, patient.given_name, patient.family_name, patient.phone, "A-7"):
        assert str(secret) not in text
    allowed = {
        "region", "queue", "consumer", "route", "method", "status", "le", "result", "channel", "state", "kind",
        "answer", "command", "source", "job_name",
    }  # fmt: skip
    found = {label for family in text_string_to_metric_families(text) for s in family.samples for label in s.labels}
    assert found <= allowed
