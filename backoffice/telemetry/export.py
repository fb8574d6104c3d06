"""Spans to the collector, and what is known of it: how many it took, when, and how late (S4-18)."""

import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from redis.exceptions import RedisError

from backoffice.queue_server import connect
from backoffice.telemetry import tally

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

TRACES: Final = "traces"
KEY: Final = "nightward:traces"
LAG, LAST = "lag", "last"
EXPORTED, FAILED = "exported", "failed"
HTTP, GRPC = "http/protobuf", "grpc"


def protocol_of(variables: Mapping[str, str]) -> str:
    """http/protobuf or grpc, as the OTEL_* variables say; empty: traces are off. One line and status 2 for another."""
    wanted = variables.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") or variables.get("OTEL_EXPORTER_OTLP_ENDPOINT")
    off = variables.get("OTEL_SDK_DISABLED", "").lower() == "true" or variables.get("OTEL_TRACES_EXPORTER") == "none"
    if not wanted or off:
        return ""
    protocol = (
        variables.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or variables.get("OTEL_EXPORTER_OTLP_PROTOCOL") or HTTP
    )
    if protocol not in (HTTP, GRPC):
        sys.stderr.write(f"OTEL_EXPORTER_OTLP_PROTOCOL is {HTTP} or {GRPC}.\n")
        raise SystemExit(2)
    return protocol


def make_provider(protocol: str) -> "TracerProvider":
    """As OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_SAMPLER and OTEL_BSP_* have it."""
    from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    named = Resource({SERVICE_NAME: "nightward"}).merge(OTELResourceDetector().detect())
    provider = TracerProvider(resource=Resource.create().merge(named), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(_watched(_exporter(protocol))))
    return provider


def _exporter(protocol: str) -> "SpanExporter":
    """grpc is imported only where it is wanted: it starts threads, and takes ten megabytes."""
    if protocol == GRPC:
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as OverGrpc

        return OverGrpc()
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as OverHttp

    return OverHttp()


def _watched(inner: "SpanExporter") -> "SpanExporter":
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

    class Watched(SpanExporter):
        """The exporter; how it fares is counted where all processes count."""

        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            result = inner.export(spans)
            if result is SpanExportResult.SUCCESS:
                note_taken(len(spans), min((span.end_time or 0 for span in spans), default=0) / 1e9)
            else:
                tally.count(TRACES, FAILED, amount=len(spans))
            return result

        def shutdown(self) -> None:
            inner.shutdown()

    return Watched()


def note_taken(spans: int, oldest: float) -> None:
    """The collector has so many more; the oldest of them ended then, in seconds of the epoch."""
    now = time.time()
    tally.count(TRACES, EXPORTED, amount=spans)
    with suppress(RedisError), connect() as client:
        client.hset(KEY, mapping={LAG: max(now - oldest, 0.0), LAST: now})
