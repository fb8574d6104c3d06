"""/metrics: every figure is read as it is asked for, of the whole installation, whichever process answers.

So any number of processes say the same, and one of them is scraped or all: rules take the maximum, never the sum.
"""

import secrets
from collections.abc import Callable, Iterator, Mapping

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from redis.exceptions import RedisError

from backoffice.monitor import business, events, traffic, work
from backoffice.monitor.families import gauge

log = structlog.get_logger(__name__)

PATH = "/metrics"
Source = Callable[[], Iterator[Metric]]
# The table of sources, by the names that nightward_up has for them.
SOURCES: Mapping[str, Source] = {
    "api": traffic.api, "bookings": traffic.bookings, "batches": traffic.batches, "traces": traffic.traces,
    "outbox": events.outbox, "consumers": events.consumers, "dead_letters": events.dead_letters,
    "queues": work.queues, "runs": work.runs, "commands": work.commands, "nights": work.nights, "alerts": work.alerts,
    "notifications": business.notifications, "inbound": business.inbound, "answers": business.answers,
}  # fmt: skip


class Installation(Collector):
    """All sources. One whose database or queue does not answer is missing, and nightward_up says so."""

    def collect(self) -> Iterator[Metric]:
        up = {}
        for name, source in SOURCES.items():
            try:
                found = list(source())
            except (DatabaseError, InterfaceError, RedisError) as error:
                log.warning("figures_missing", source=name, error=type(error).__name__)
                found = []
                up[name] = 0
            else:
                up[name] = 1
            yield from found
        yield gauge(
            "up", "1 where the figures of a source could be read.", ("source",), [((k,), v) for k, v in up.items()]
        )


def exposition() -> bytes:
    """Prometheus's text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Installation())
    return generate_latest(registry)


class MetricsMiddleware:
    """Answers /metrics to who has METRICS_TOKEN, before hosts and redirects; without that setting there is no page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info != PATH or not settings.METRICS_TOKENS:
            return self.get_response(request)
        if not _has_token(request):
            return HttpResponse(
                "A bearer token is needed.\n", "text/plain", 401, headers={"WWW-Authenticate": "Bearer"}
            )
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(("GET", "HEAD"))
        return HttpResponse(exposition(), CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"})


def _has_token(request: HttpRequest) -> bool:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    same = [secrets.compare_digest(given.strip().encode(), token.encode()) for token in settings.METRICS_TOKENS]
    return scheme.lower() == "bearer" and any(same)
