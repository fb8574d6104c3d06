"""What the processes have counted in the last hour, minute by minute, as the page of the priorities asks for it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from backoffice.monitor import limits
from backoffice.monitor.traffic import durations
from backoffice.queue_server import connect
from backoffice.telemetry import tally
from backoffice.telemetry.export import FAILED as NOT_TAKEN
from backoffice.telemetry.export import KEY, LAG, LAST, TRACES
from backoffice.telemetry.timing import BUCKETS, quantile
from clinic.booking.attempts import BOOKED, BOOKINGS, FAILED, REFUSED

HOUR = 60
# The bytes of a video take as long as their sender's line.
NOT_JUDGED = frozenset({"upload-detail"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Counted:
    """`minutes`: minute of the epoch → counts; `last`: of the traces."""

    minutes: Mapping[int, tally.Counts]
    last: Mapping[str, float]

    @classmethod
    def read(cls) -> Self:
        """RedisError where the server does not answer."""
        tally.flush()
        with connect() as client:
            last = {name.decode(): float(value) for name, value in client.hgetall(KEY).items()}
            return cls(minutes=tally.by_minute(client, HOUR), last=last)

    def api(self) -> tuple[float | None, float, int]:
        """Of the window: the duration that 95 of 100 answers do not exceed, the share of 5xx, and how many answers."""
        window = self._window()
        return _judged(_summed(counts for minute, counts in self.minutes.items() if minute in window))

    def api_since(self) -> datetime | None:
        """Since which minute each one with requests was too slow or failed too often."""
        since = None
        for minute in sorted(self.minutes, reverse=True):
            seconds, fails, requests = _judged(self.minutes[minute])
            if requests and not (fails > limits.API_FAILS or (seconds or 0) > limits.API_LOOK):
                break
            since = minute if requests else since
        return _moment(since)

    def bookings(self, region: str) -> tuple[int, int, int, datetime | None]:
        """Of the hour: booked, refused, failed; and when one first failed, where one has within the window."""
        counts = _summed(self.minutes.values())
        booked, refused, failed = (
            int(counts.get((BOOKINGS, region, result), 0)) for result in (BOOKED, REFUSED, FAILED)
        )
        return booked, refused, failed, self._first((BOOKINGS, region, FAILED))

    def traces(self) -> tuple[float | None, int, datetime | None]:
        """Seconds of lag, None where nothing was taken yet; spans that were not taken within the window; since when."""
        failed = sum(
            self.minutes[minute].get((TRACES, NOT_TAKEN), 0) for minute in self.minutes if minute in self._window()
        )
        taken = datetime.fromtimestamp(self.last[LAST], UTC) if LAST in self.last else None
        return self.last.get(LAG), int(failed), self._first((TRACES, NOT_TAKEN)) or taken

    def _first(self, labels: tally.Labels) -> datetime | None:
        """The first minute of the hour that has it, where the window has it as well."""
        found = [minute for minute, counts in self.minutes.items() if counts.get(labels)]
        return _moment(min(found)) if found and max(found) in self._window() else None

    def _window(self) -> range:
        now = tally.this_minute()
        return range(now - limits.WINDOW_MINUTES + 1, now + 1)


def _judged(counts: tally.Counts) -> tuple[float | None, float, int]:
    buckets, requests, fails = [0.0] * (len(BUCKETS) + 1), 0.0, 0.0
    for (_, route, status), (held, _seconds) in durations(counts).items():
        if route in NOT_JUDGED:
            continue
        buckets = [a + b for a, b in zip(buckets, held, strict=True)]
        requests += sum(held)
        fails += sum(held) if status == "5xx" else 0
    return quantile(buckets, 0.95), fails / requests if requests else 0.0, int(requests)


def _summed(each: Iterable[tally.Counts]) -> tally.Counts:
    total: tally.Counts = {}
    for counts in each:
        for labels, amount in counts.items():
            total[labels] = total.get(labels, 0) + amount
    return total


def _moment(minute: int | None) -> datetime | None:
    return None if minute is None else datetime.fromtimestamp(minute * 60, UTC)
