"""How long the API takes to answer: a histogram by method, route and class of status, of all web processes."""

import time
from bisect import bisect_left
from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse

from backoffice.telemetry import tally

API: Final = "api"
# Upper ends in seconds; what took longer is in the last bucket, which has none.
BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SUM: Final = "sum"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class TimingMiddleware:
    """Counts each request below /api/ in the bucket of its duration; the address itself goes nowhere."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith("/api/"):
            return self.get_response(request)
        began = time.perf_counter()
        response = self.get_response(request)
        seconds = time.perf_counter() - began
        method = request.method if request.method in METHODS else "other"
        of = (API, str(method), route_of(request), f"{response.status_code // 100}xx")
        tally.add({(*of, str(bisect_left(BUCKETS, seconds))): 1, (*of, SUM): seconds})
        return response


def route_of(request: HttpRequest) -> str:
    """The name of the route in our own words, "unknown" for a path that leads nowhere."""
    match = request.resolver_match
    return (match and match.view_name and match.url_name) or "unknown"


def quantile(buckets: list[float], share: float) -> float | None:
    """The duration that `share` of the requests do not exceed: the upper end of its bucket, in which it lies; None
    without requests; the last upper end also where it took longer."""
    total = sum(buckets)
    if not total:
        return None
    reached = 0.0
    for number, held in enumerate(buckets):
        reached += held
        if reached >= total * share:
            return BUCKETS[min(number, len(BUCKETS) - 1)]
    return BUCKETS[-1]
