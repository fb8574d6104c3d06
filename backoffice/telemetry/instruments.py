"""Where spans begin by themselves: a request, a statement of the database.

Not by OpenTelemetry's own instrumentations: those of Django and of the drivers put addresses with their queries and the
text of SQL into their spans (docs/decisions/0121-traces-without-patients.md).
"""

import re
from collections.abc import Callable
from typing import Any

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from opentelemetry import trace
from opentelemetry.trace import SpanKind

from backoffice.telemetry.timing import METHODS, route_of
from backoffice.telemetry.tracing import failed, span

_TABLE = re.compile(r'\b(?:FROM|INTO|UPDATE)\s+"?([A-Za-z_][A-Za-z0-9_]*)"?')
_STATEMENTS = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "COPY"})
SYSTEMS = {"postgresql": "postgresql", "sqlite": "sqlite"}


class TraceMiddleware:
    """A span for each request, by its route: a trace of our own, not the caller's, as the correlation id is."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not settings.TRACES_PROTOCOL or request.path_info.startswith(f"/{settings.STATIC_URL.strip('/')}/"):
            return self.get_response(request)
        correlation_id = structlog.contextvars.get_contextvars().get("correlation_id", "")
        method = request.method if request.method in METHODS else "other"  # else a caller's word
        attributes = {"http.request.method": str(method), "nightward.correlation_id": correlation_id}
        with span(str(method), kind=SpanKind.SERVER, attributes=attributes) as current:
            response = self.get_response(request)
            route = route_of(request)
            current.update_name(f"{method} {route}")
            current.set_attributes({"http.route": route, "http.response.status_code": response.status_code})
            if response.status_code >= 500:
                failed(current, str(response.status_code))
            return response


def trace_statements(connection: Any, **told: Any) -> None:
    """For each new connection: a span for each statement within a trace; it says what is done to which table."""
    if _traced not in connection.execute_wrappers:
        connection.execute_wrappers.append(_traced)


def _traced(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
    if not trace.get_current_span().is_recording():
        return execute(sql, params, many, context)
    text = str(sql).lstrip()
    verb = "".join(text[:16].split(None, 1)[:1]).upper()
    if verb not in _STATEMENTS:
        return execute(sql, params, many, context)
    table = _TABLE.search(text[:4000])
    where = table[1] if table else ""
    vendor = context["connection"].vendor
    attributes = {"db.system.name": SYSTEMS.get(vendor, vendor), "db.operation.name": verb, "db.collection.name": where}
    with span(f"{verb} {where}".strip(), kind=SpanKind.CLIENT, attributes=attributes):
        return execute(sql, params, many, context)
