"""Prometheus's metric families from rows of figures: made anew for each scrape, never kept."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.utils import timezone
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

Rows = Iterable[tuple[Sequence[str], float]]


def gauge(name: str, help: str, labels: Sequence[str] = (), rows: Rows = ()) -> GaugeMetricFamily:
    """`rows`: the values of the labels, and the figure."""
    family = GaugeMetricFamily(f"nightward_{name}", help, labels=labels)
    for values, figure in rows:
        family.add_metric(values, figure)
    return family


def counter(name: str, help: str, labels: Sequence[str] = (), rows: Rows = ()) -> CounterMetricFamily:
    """Its name gets _total."""
    family = CounterMetricFamily(f"nightward_{name}", help, labels=labels)
    for values, figure in rows:
        family.add_metric(values, figure)
    return family


def age(at: datetime | None) -> float:
    """Seconds since then; 0 for None: nothing waits."""
    return max((timezone.now() - at).total_seconds(), 0.0) if at else 0.0
