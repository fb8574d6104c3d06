"""A span around a call outside: who is called and what came of it, never the path, the query, a header or the body."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

_tracer = trace.get_tracer("nightward.adapters")


@contextmanager
def called(method: str, url: str) -> Iterator[Span]:
    """Does nothing in a process that has begun no trace."""
    host = urlsplit(url).hostname or ""
    attributes = {"http.request.method": method, "server.address": host}
    with _tracer.start_as_current_span(
        f"{method} {host}", kind=SpanKind.CLIENT, attributes=attributes, record_exception=False,
        set_status_on_exception=False,
    ) as call:  # fmt: skip
        try:
            yield call
        except Exception as error:
            call.set_attribute("error.type", type(error).__name__)
            call.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise
