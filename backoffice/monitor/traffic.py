"""What the processes have counted together: answers of the API, attempts to book, records of batches, spans."""

from collections.abc import Iterator

from prometheus_client.core import HistogramMetricFamily
from prometheus_client.metrics_core import Metric

from backoffice.monitor.families import counter, gauge
from backoffice.queue_server import connect
from backoffice.telemetry import tally
from backoffice.telemetry.export import EXPORTED, KEY, LAG, LAST, TRACES
from backoffice.telemetry.export import FAILED as NOT_TAKEN
from backoffice.telemetry.timing import API, BUCKETS, SUM
from clinic.booking.attempts import BOOKED, BOOKINGS, FAILED, REFUSED
from regions.models import Region
from regions.sync.store import BATCHES, DONE

ENDS = [*map(str, BUCKETS), "+Inf"]


def api() -> Iterator[Metric]:
    """A histogram of the durations, over all web processes."""
    family = HistogramMetricFamily(
        "nightward_api_request_seconds", "Time from a request of the API to its answer.",
        labels=("method", "route", "status"),
    )  # fmt: skip
    for labels, (buckets, seconds) in sorted(durations(_totals()).items()):
        reached, cumulative = 0.0, []
        for end, held in zip(ENDS, buckets, strict=True):
            reached += held
            cumulative.append((end, reached))
        family.add_metric(labels, cumulative, seconds)
    yield family


def durations(counts: tally.Counts) -> dict[tuple[str, ...], tuple[list[float], float]]:
    """(method, route, class of status) → how many in each bucket, and the seconds of all."""
    found: dict[tuple[str, ...], tuple[list[float], float]] = {}
    for (what, *labels), amount in counts.items():
        if what != API:
            continue
        *of, cell = labels
        buckets, seconds = found.get(tuple(of), ([0.0] * len(ENDS), 0.0))
        if cell == SUM:
            found[tuple(of)] = (buckets, seconds + amount)
        else:
            buckets[int(cell)] += amount
            found[tuple(of)] = (buckets, seconds)
    return found


def bookings() -> Iterator[Metric]:
    """Attempts to book, by what became of them."""
    rows = _by_region(BOOKINGS, (BOOKED, REFUSED, FAILED))
    yield counter("bookings", "Attempts to book: booked, refused, failed.", ("region", "result"), rows)


def batches() -> Iterator[Metric]:
    """[S1-30] Records of a phone sync's batches: done, failed."""
    rows = _by_region(BATCHES, (DONE, FAILED))
    yield counter("batch_records", "Records of a phone sync's batches: done, failed.", ("region", "result"), rows)


def traces() -> Iterator[Metric]:
    """What was handed to the collector, and how late; the moments are left out where nothing was."""
    with connect() as client:
        last = {name.decode(): float(value) for name, value in client.hgetall(KEY).items()}
        counts = tally.totals(client)
    rows = [((result,), counts.get((TRACES, result), 0)) for result in (EXPORTED, NOT_TAKEN)]
    yield counter("trace_spans", "Spans for the collector: exported, failed.", ("result",), rows)
    known = [((), last[LAG])] if LAG in last else []
    yield gauge(
        "trace_export_lag_seconds", "From the end of the oldest span of the last batch to its export.", (), known
    )
    known = [((), last[LAST])] if LAST in last else []
    yield gauge("trace_last_export_timestamp_seconds", "When the collector last took spans.", (), known)


def _by_region(what: str, results: tuple[str, ...]) -> list[tuple[tuple[str, str], float]]:
    """Of each region and result, also where it is 0: a counter that appears with its first count shows no increase."""
    counts, names = _totals(), Region.objects.order_by("name").values_list("name", flat=True)
    return [((name, result), counts.get((what, name, result), 0)) for name in names for result in results]


def _totals() -> tally.Counts:
    tally.flush()
    with connect() as client:
        return tally.totals(client)
