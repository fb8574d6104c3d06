"""A span around a call outside: who is called and what came of it, never the path, the query, a header or the body."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

_tracer = trace.get_tracer("nightward.adapters")


@contextmanager
def called(method: str, url: str) -> Iterator[Span]:
    """By HTTP. Does nothing in a process that has begun no trace."""
    host = urlsplit(url).hostname or ""
    with _outside(f"{method} {host}", {"http.request.method": method, "server.address": host}) as call:
        yield call


@contextmanager
def asked(what: str, host: str) -> Iterator[Span]:
    """By SFTP: `what` is a word of ours, such as list."""
    with _outside(f"sftp {what} {host}", {"network.protocol.name": "sftp", "server.address": host}) as call:
        yield call


@contextmanager
def _outside(name: str, attributes: Mapping[str, str]) -> Iterator[Span]:
    with _tracer.start_as_current_span(
        name, kind=SpanKind.CLIENT, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as call:
        try:
            yield call
        except Exception as error:
            call.set_attribute("error.type", type(error).__name__)
            call.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise
