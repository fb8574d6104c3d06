"""Traces in one process: what goes on with what, what is off by default, and what no span may say."""

import json
import logging
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import structlog
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django_rq import get_queue
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from redis import Redis
from rq.job import Job as RqJob

from backoffice.adapters.http import HttpClient, NotSent
from backoffice.logs import configure_logging
from backoffice.runs.bell import ring
from backoffice.runs.models import Run, StepPart
from backoffice.telemetry import tracing
from backoffice.telemetry.export import GRPC, HTTP, protocol_of
from backoffice.telemetry.instruments import TraceMiddleware, _traced, trace_statements
from backoffice.telemetry.tracing import span, traceparent
from clinic.events.models import Outbox
from clinic.events.publishing import publish_events
from clinic.events.replica import Replica
from clinic.notices.consumer import NOTIFICATION
from regions.models import Region
from tests.booking.conftest import client_of
from tests.booking.world import make_booking
from tests.factories import RegionFactory
from tests.running import finish, start
from tests.runs import toy
from tests.runs.conftest import world as world

SECRET = "Okonkwo-7431"
_kept = InMemorySpanExporter()


@pytest.fixture
def spans(settings: Any) -> Iterator[InMemorySpanExporter]:
    """Traces are on, and stay in this process."""
    settings.TRACES_PROTOCOL = HTTP
    if not isinstance(trace.get_tracer_provider(), TracerProvider):
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(_kept))
        trace.set_tracer_provider(provider)
    _kept.clear()
    yield _kept
    _kept.clear()


@pytest.fixture
def statements(db: None) -> Iterator[None]:
    trace_statements(connection)
    yield
    connection.execute_wrappers.remove(_traced)


@pytest.fixture
def north(db: None) -> Region:
    return RegionFactory.create(name="north", display_name="North")


def named(spans: InMemorySpanExporter, beginning: str) -> ReadableSpan:
    found = [one for one in spans.get_finished_spans() if one.name.startswith(beginning)]
    assert len(found) == 1, [one.name for one in spans.get_finished_spans()]
    return found[0]


def trace_of(one: ReadableSpan) -> str:
    assert one.context is not None
    return trace.format_trace_id(one.context.trace_id)


def test_off_by_default_nothing_is_begun_and_nothing_kept(north: Region, queue: Redis) -> None:
    before = len(_kept.get_finished_spans())
    make_booking(north)
    publish_events(queue)
    with span("anything"):
        assert traceparent() == ""
    assert set(Outbox.objects.values_list("traceparent", flat=True)) == {""}
    assert len(_kept.get_finished_spans()) == before


@pytest.mark.parametrize(
    ("variables", "protocol"),
    [
        ({}, ""),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, HTTP),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, HTTP),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://h:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, GRPC),
        (
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": "http://h:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
                "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
            },
            HTTP,
        ),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://h:4318", "OTEL_SDK_DISABLED": "true"}, ""),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://h:4318", "OTEL_TRACES_EXPORTER": "none"}, ""),
    ],
)  # fmt: skip
def test_the_standard_variables_say_whether_and_how(variables: dict[str, str], protocol: str) -> None:
    assert protocol_of(variables) == protocol


def test_a_protocol_that_is_not_spoken_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        protocol_of({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://h", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"})
    assert ended.value.code == 2
    assert capsys.readouterr().err == "OTEL_EXPORTER_OTLP_PROTOCOL is http/protobuf or grpc.\n"


@pytest.mark.django_db(transaction=True)
def test_request_outbox_publisher_consumer_and_job_are_of_one_trace(
    spans: InMemorySpanExporter, north: Region, queue: Redis, statements: None
) -> None:
    """[S4-11]"""
    clinic = make_booking(north)
    row = Outbox.objects.get(type="appointment.booked")
    publish_events(queue)
    clinic.patient.given_name, clinic.patient.family_name = SECRET, SECRET
    clinic.patient.save()
    appointment = row.data["appointment"]
    spans.clear()
    answer = client_of(clinic).post(
        f"/api/v1/appointments/{appointment}/cancel/?secret=", {"reason": SECRET}, format="json"
    )
    assert answer.status_code == 400  # the query is refused, and is in no span
    answer = client_of(clinic).post(f"/api/v1/appointments/{appointment}/cancel/", {"reason": SECRET}, format="json")
    assert answer.status_code == 200
    requests = [one for one in spans.get_finished_spans() if one.name == "POST appointment-cancel"]
    request = requests[-1]
    cancelled = Outbox.objects.get(type="appointment.cancelled")
    assert cancelled.traceparent.split("-")[1] == trace_of(request)
    assert request.attributes is not None
    assert request.attributes["nightward.correlation_id"] == cancelled.trace == answer["X-Correlation-ID"]
    assert request.attributes["http.response.status_code"] == 200
    publish_events(queue)
    assert trace_of(named(spans, "publish appointment.cancelled")) == trace_of(request)
    job = RqJob.fetch(f"event-{cancelled.event_id.hex}-0", connection=queue)
    assert job.meta["traceparent"].split("-")[1] == trace_of(request)
    replica = Replica(consumer=NOTIFICATION, client=queue, claim_after=timedelta(seconds=60))
    while replica.turn(wait=0):
        pass
    handled = named(spans, "consume appointment.cancelled")
    assert trace_of(handled) == trace_of(request)
    assert handled.attributes is not None
    assert handled.attributes["nightward.consumer"] == "notification"
    mine = [one for one in spans.get_finished_spans() if trace_of(one) == trace_of(request)]
    assert any(one.name.startswith("SELECT booking_appointment") for one in mine)
    assert any(one.name.startswith("UPDATE booking_appointment") for one in mine)
    assert SECRET not in "".join(one.to_json() for one in spans.get_finished_spans())


def test_a_statement_says_its_verb_and_table_and_no_value(
    spans: InMemorySpanExporter, statements: None, north: Region
) -> None:
    with span("outside"):
        assert not Region.objects.filter(display_name=SECRET).exists()
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT '{SECRET}'")
    Region.objects.count()  # of no trace: no span
    found = [one for one in spans.get_finished_spans() if one.name != "outside"]
    assert [one.name for one in found] == ["SELECT regions_region", "SELECT"]
    assert dict(found[0].attributes or {}) == {
        "db.system.name": connection.vendor, "db.operation.name": "SELECT", "db.collection.name": "regions_region",
    }  # fmt: skip
    assert SECRET not in "".join(one.to_json() for one in found)


def test_a_statement_that_is_laid_out_over_lines_is_one_as_well(
    spans: InMemorySpanExporter, statements: None, north: Region
) -> None:
    laid_out = "\n" + " " * 20 + "SELECT\nname FROM regions_region"
    with connection.cursor() as cursor:
        cursor.execute(laid_out)
        with span("outside"):
            cursor.execute(laid_out)
    assert named(spans, "SELECT regions_region").attributes


def test_a_method_that_a_caller_made_up_is_in_no_span(spans: InMemorySpanExporter, rf: Any) -> None:
    TraceMiddleware(lambda request: HttpResponse())(rf.generic("OKONKWO", "/anything/"))
    assert "OKONKWO" not in named(spans, "other unknown").to_json()


def test_a_call_outside_says_whom_and_not_what(spans: InMemorySpanExporter) -> None:
    client = HttpClient(timeout=2, connections=1, headers={"Authorization": f"Bearer {SECRET}"})
    with span("outside"), pytest.raises(NotSent):
        client.send("POST", f"http://127.0.0.1:1/{SECRET}?q={SECRET}", SECRET.encode(), {"X-Patient": SECRET})
    client.close()
    call = named(spans, "POST 127.0.0.1")
    assert trace_of(call) == trace_of(named(spans, "outside"))
    assert call.status.status_code is trace.StatusCode.ERROR
    assert SECRET not in call.to_json()


def test_an_exception_is_its_class_and_not_its_words(spans: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError), span("broken"):
        raise ValueError(SECRET)
    broken = named(spans, "broken")
    assert broken.status.description == "ValueError"
    assert not broken.events
    assert SECRET not in broken.to_json()


def test_the_caller_does_not_choose_the_trace(spans: InMemorySpanExporter, rf: Any) -> None:
    theirs = "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01"

    def answer(request: HttpRequest) -> HttpResponse:
        return HttpResponse(status=500)

    TraceMiddleware(answer)(rf.get("/anything/", headers={"traceparent": theirs}))
    served = named(spans, "GET unknown")
    assert trace_of(served) != "ab" * 16
    assert served.status.status_code is trace.StatusCode.ERROR


@pytest.mark.django_db(transaction=True)
def test_a_run_goes_on_with_the_trace_of_what_has_started_it(
    spans: InMemorySpanExporter, queue: Redis, world: toy.World, north: Region
) -> None:
    with span("button") as button:
        run = start("toy", north)
    assert run.traceparent.split("-")[1] == trace.format_trace_id(button.get_span_context().trace_id)
    part = StepPart.objects.filter(run=run)[0]
    assert ring(part)
    (job,) = get_queue("default").jobs
    assert job.meta["traceparent"] == run.traceparent
    finish(Run.objects.get(pk=run.pk))
    worked = [one for one in spans.get_finished_spans() if one.name.startswith("run toy/")]
    assert worked
    assert {trace_of(one) for one in worked} == {trace_of(named(spans, "button"))}
    assert {(one.attributes or {})["nightward.run.status"] for one in worked} <= {"running", "complete"}


def test_a_log_line_says_its_trace(spans: InMemorySpanExporter, capsys: pytest.CaptureFixture[str]) -> None:
    before = logging.getLogger().handlers[:], logging.getLogger().level, structlog.get_config()
    try:
        configure_logging(level="INFO", as_json=True)
        with span("spoken") as current:
            structlog.get_logger("tests").info("within")
        structlog.get_logger("tests").info("without")
    finally:
        logging.getLogger().handlers[:] = before[0]
        logging.getLogger().setLevel(before[1])
        structlog.configure(**before[2])
    within, without = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert within["trace_id"] == trace.format_trace_id(current.get_span_context().trace_id)
    assert "trace_id" not in without


def test_the_end_does_not_wait_for_a_collector_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    class Hanging:
        def force_flush(self) -> None:
            threading.Event().wait(20)

    monkeypatch.setattr(trace, "get_tracer_provider", Hanging)
    began = time.monotonic()
    tracing.flush(0.2)
    assert time.monotonic() - began < 5
