"""One trace across real processes: web server, publisher, consumer, worker, and the vendor's peer."""

import json
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from typing import Any

import pytest
from django.utils import timezone
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from redis import Redis

from backoffice.sandbox.peer import HttpPeer
from backoffice.sandbox.twilio import ACCOUNT, FROM, Twilio
from backoffice.telemetry import tally
from backoffice.telemetry.export import EXPORTED, FAILED, TRACES
from clinic.booking.models import Appointment
from clinic.notices.models import Notice
from clinic.patients.portal import VERBS
from tests.booking.world import Clinic, make_clinic
from tests.factories import ApiTokenFactory, RegionFactory
from tests.processes import Processes, until
from tests.telemetry.collector import Collector, attributes_of, over_grpc, over_http

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
TOKEN = "a-token-of-these-tests"
ADDRESS = re.compile(r"Nightward is at http://127\.0\.0\.1:(\d+)/admin/")
GIVEN, FAMILY, PHONE = "Adaeze", "Okonkwo", "+13125550100"


@pytest.fixture
def twilio() -> Iterator[HttpPeer[Twilio]]:
    with HttpPeer(Twilio(token=TOKEN)) as peer:
        yield peer


@pytest.fixture
def clinic(queue: Redis, twilio: HttpPeer[Twilio]) -> Clinic:
    """Open day and night, where it is about noon now: at night nothing would be sent."""
    ahead = 12 - datetime.now(UTC).hour
    env_vars = {"TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": TOKEN, "TWILIO_FROM": FROM}
    zone = f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"
    made = make_clinic(RegionFactory.create(name="west", time_zone=zone, env_vars=env_vars))
    made.doctor.hours.update(begins="00:00", ends="00:00")
    return made


def post(port: int, path: str, body: dict[str, Any], token: str) -> tuple[int, str]:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    try:
        connection.request("POST", path, json.dumps(body), headers)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def book_by(port: int, clinic: Clinic, token: str) -> Appointment:
    begins = (timezone.now() + timedelta(days=3)).replace(minute=0, second=0, microsecond=0)
    wish = {"type": clinic.check.pk, "patient": clinic.patient.pk, "begins": begins.isoformat()}
    status, body = post(port, "/api/v1/appointments/", wish, token)
    assert status == 201, body
    return Appointment.objects.get()


@pytest.mark.parametrize(("protocol", "collecting"), [("http/protobuf", over_http), ("grpc", over_grpc)])
def test_a_booking_is_one_trace_from_the_request_to_the_text_message(
    processes: Processes, clinic: Clinic, twilio: HttpPeer[Twilio], queue: Redis, protocol: str,
    collecting: Callable[[], AbstractContextManager[Collector]],
) -> None:  # fmt: skip
    """[S4-11] [S4-09]"""
    token = ApiTokenFactory.create(regions=[clinic.region], verbs=VERBS)
    with collecting() as collector:
        processes.environment |= {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
            "OTEL_SERVICE_NAME": "nightward-tests", "OTEL_BSP_SCHEDULE_DELAY": "200", "TWILIO_URL": twilio.url,
            "PUBLIC_URL": "", "LOG_FORMAT": "json",
        }  # fmt: skip
        serve = processes.manage("serve", "--port", "0", "--workers", "1")
        serve.says("Ctrl-C stops it.", within=120)
        found = ADDRESS.search(serve.output)
        assert found
        book_by(int(found[1]), clinic, str(token.text))
        processes.manage("publish_events", "--every", "0.2")
        processes.manage("consume", "notification")
        until(lambda: Notice.objects.filter(kind="confirmation", channel="sms", state="sent").exists(), within=120)
        wanted = (
            "POST appointment-list",
            "publish appointment.booked",
            "consume appointment.booked",
            "job tell_of_event",
        )
        until(lambda: all(collector.named(name) for name in (*wanted, "POST 127.0.0.1")), within=60, what="every span")
        assert len(twilio.vendor.messages.all()) == 1
        check_trace(collector, wanted)
        until(lambda: tally.totals(queue).get((TRACES, EXPORTED)), within=60, what="the count of spans")
        assert tally.totals(queue).get((TRACES, FAILED)) is None
        for secret in (GIVEN, FAMILY, PHONE, TOKEN, str(token.text)):
            assert secret not in collector.text
        serve.signal(signal.SIGINT)
        assert serve.ends(within=90) == 0, serve.output


def check_trace(collector: Collector, wanted: tuple[str, ...]) -> None:
    """The stages are of the request's trace, each below the one that has led to it."""
    assert collector.services == {"nightward-tests"}
    (request,) = collector.named("POST appointment-list")
    mine = [span for span in collector.spans if span.trace_id == request.trace_id]
    by_name: dict[str, Span] = {}
    for span in mine:
        by_name.setdefault(span.name, span)
    assert not request.parent_span_id
    assert request.kind == Span.SPAN_KIND_SERVER
    publish, consume, job = (by_name[name] for name in wanted[1:])
    assert publish.parent_span_id == consume.parent_span_id == request.span_id
    assert job.parent_span_id == publish.span_id
    called = by_name["POST 127.0.0.1"]
    assert called.parent_span_id in {job.span_id, consume.span_id}
    assert attributes_of(called) == {
        "http.request.method": "POST", "server.address": "127.0.0.1", "http.response.status_code": 201,
    }  # fmt: skip
    below = {span.parent_span_id for span in mine if span.name.startswith(("SELECT ", "INSERT ", "UPDATE "))}
    assert {request.span_id, consume.span_id, job.span_id} <= below
    assert all(span.status.code != Status.STATUS_CODE_ERROR for span in mine)


def test_a_collector_that_is_away_holds_nothing_up_and_is_counted(
    processes: Processes, clinic: Clinic, queue: Redis
) -> None:
    """[S4-18]"""
    token = ApiTokenFactory.create(regions=[clinic.region], verbs=VERBS)
    processes.environment |= {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_BSP_SCHEDULE_DELAY": "200",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
    }  # fmt: skip
    serve = processes.manage("serve", "--port", "0", "--workers", "1")
    serve.says("Ctrl-C stops it.", within=120)
    found = ADDRESS.search(serve.output)
    assert found
    book_by(int(found[1]), clinic, str(token.text))
    until(lambda: tally.totals(queue).get((TRACES, FAILED)), within=60, what="the count of spans that were not taken")
    serve.signal(signal.SIGINT)
    assert serve.ends(within=90) == 0, serve.output
