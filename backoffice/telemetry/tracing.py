"""Traces by OpenTelemetry: one from a request through the outbox, the stream and the queue to the last call outside.

Off unless OTEL_EXPORTER_OTLP_ENDPOINT (or its variant for traces) is set; the standard OTEL_* variables say the rest. A
process begins to export with its first span, so none does before it forks. A span has names, ids and words of ours:
no address, no header, no SQL, no message of an exception, since each of them may hold a patient's data.
"""

import atexit
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from django.conf import settings
from opentelemetry import trace
from opentelemetry.trace import INVALID_SPAN, Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue
from structlog.typing import EventDict

from backoffice.telemetry import export

# How long the end of a process or of a job waits for a collector that does not answer.
FLUSH_SECONDS: Final = 2.0
META: Final = "traceparent"

_format = TraceContextTextMapPropagator()
_tracer = trace.get_tracer("nightward")
_begun = threading.Lock()


@contextmanager
def span(
    name: str,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    parent: str = "",
    attributes: Mapping[str, AttributeValue] | None = None,
) -> Iterator[Span]:
    """A span around the block: within the present one, else where `parent` (a traceparent) goes on, else a new trace.

    An exception that leaves the block makes it an error, by its class. Does nothing where traces are off.
    """
    if not settings.TRACES_PROTOCOL:
        yield INVALID_SPAN
        return
    _begin()
    above = None if trace.get_current_span().get_span_context().is_valid else _format.extract({META: parent})
    with _tracer.start_as_current_span(
        name, above, kind, attributes, record_exception=False, set_status_on_exception=False
    ) as current:
        try:
            yield current
        except Exception as error:
            failed(current, error)
            raise


def failed(current: Span, error: BaseException | str) -> None:
    """Make the span an error: a word of ours, or the class of what was raised."""
    word = error if isinstance(error, str) else type(error).__name__
    current.set_attribute("error.type", word)
    current.set_status(Status(StatusCode.ERROR, word))


def traceparent() -> str:
    """What another process goes on with; empty where there is no trace."""
    carrier: dict[str, str] = {}
    _format.inject(carrier)
    return carrier.get(META, "")


def add_trace(logger: object, method: str, event: EventDict) -> EventDict:
    """A log line says which trace it belongs to."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = trace.format_trace_id(context.trace_id)
        event["span_id"] = trace.format_span_id(context.span_id)
    return event


def flush(seconds: float = FLUSH_SECONDS) -> None:
    """Hand over what this process has, before it ends; not longer than that."""
    provider = trace.get_tracer_provider()
    if hasattr(provider, "force_flush"):
        thread = threading.Thread(target=provider.force_flush, name="traces", daemon=True)
        thread.start()
        thread.join(seconds)


def _begin() -> None:
    """The provider of this process, made once; the SDK is imported only where it is wanted."""
    if hasattr(trace.get_tracer_provider(), "force_flush"):
        return
    with _begun:
        if not hasattr(trace.get_tracer_provider(), "force_flush"):
            trace.set_tracer_provider(export.make_provider(settings.TRACES_PROTOCOL))
            atexit.register(flush)
