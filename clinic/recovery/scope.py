"""What lives for one part of a recovery run: the hospital, its caches, the parameters; and the days as instants."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cached_property
from threading import BoundedSemaphore
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings

from backoffice import queue_server
from backoffice.adapters.hospital import Hospital
from backoffice.adapters.hospital_types import HospitalRefused
from backoffice.adapters.pace import Pace, PaceUnavailable
from backoffice.runs.faults import ConfigError
from backoffice.runs.job import Json, Total
from backoffice.runs.kernel import refuse_database
from backoffice.runs.models import Run, StepPart
from clinic.models import RecoveryWindow
from clinic.recovery.lookups import Lookups
from regions.connections import hospital_connection
from regions.models import Region
from regions.of_run import region_of

PREVIEW = "preview"


@dataclass(frozen=True, slots=True)
class Window:
    """One slice of a run: [begins, ends), 0 ≤ number < of."""

    number: int
    of: int
    begins: datetime
    ends: datetime

    @property
    def label(self) -> str:
        return f"window {self.number + 1} of {self.of}"


@dataclass(kw_only=True)
class Recovery:
    """Opened for one part. Its threads share `hospital`, `lookups` and `slots`; nothing else of it changes under them.

    Whoever calls the hospital holds one of the `slots`, of which there are as many as the region allows calls at once.
    `ahead` reads pages before their turn; it ends with the part.
    """

    part: StepPart
    hospital: Hospital
    lookups: Lookups
    settled: set[str] = field(default_factory=set)
    slots: BoundedSemaphore
    ahead: ThreadPoolExecutor

    @cached_property
    def run(self) -> Run:
        return self.part.run

    @cached_property
    def region(self) -> Region:
        return region_of(self.part)

    @cached_property
    def open_windows(self) -> dict[int, RecoveryWindow]:
        """The chain's windows that were begun and not read to their end, by number; kept up to date by the commits."""
        rows = RecoveryWindow.objects.filter(chain=self.chain, complete=False)
        return {row.number: row for row in rows}

    @property
    def chain(self) -> UUID:
        return self.run.chain

    @property
    def parameters(self) -> Json:
        return dict(self.run.parameters)

    @property
    def preview(self) -> bool:
        return bool(self.run.parameters["mode"] == PREVIEW)

    @property
    def concurrency(self) -> int:
        return self.region.concurrency_per_run

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.region.time_zone)

    def filing_deadline(self, start: datetime) -> date:
        """The last day on which payers accept a claim for a visit that started then, in the region's zone."""
        return start.astimezone(self.zone).date() + timedelta(days=self.region.filing_days)

    def today(self) -> date:
        return datetime.now(self.zone).date()

    def take_counts(self) -> dict[str, Total]:
        """Calls, retries and cache figures since the last take, as the run's totals name them."""
        calls: Counter[str] = self.hospital.take_calls()
        counts: dict[str, Total] = {"retries" if kind == "retries" else f"calls.{kind}": n for kind, n in calls.items()}
        counts.update(self.lookups.take_counts())
        return counts


@contextmanager
def open_recovery(part: StepPart) -> Iterator[Recovery]:
    """Connect to the region's hospital; ConfigError says what the region lacks."""
    region = region_of(part)
    connection = hospital_connection(region)
    # One pace for everybody who calls this region's hospital, on whatever machine.
    with closing(Pace(queue_server.url(), f"pace:hospital:{region.name}", region.pace.get("hospital"))) as pace:
        with refusal_ends_the_run():
            hospital = Hospital(
                connection.url,
                connection.token,
                timeout=settings.HOSPITAL_TIMEOUT_SECONDS,
                pace=pace,
                correlation_id=part.run.correlation_id,
                connections=region.concurrency_per_run,
            )
        # However the part ends: the hospital closes first, and what still reads ahead has its calls refused at once.
        with one_thread_ahead() as ahead, closing(hospital):
            yield Recovery(
                part=part,
                hospital=hospital,
                lookups=Lookups(hospital),
                slots=BoundedSemaphore(region.concurrency_per_run),
                ahead=ahead,
            )


@contextmanager
def one_thread_ahead() -> Iterator[ThreadPoolExecutor]:
    """A thread beside the part's own, without the database. Its end is waited for; what it has not begun is dropped."""
    pool = ThreadPoolExecutor(1, initializer=refuse_database, thread_name_prefix="ahead")
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def refusal_ends_the_run() -> Iterator[None]:
    """A hospital that refuses our token or our question refuses every other one too; without a pace nobody may ask."""
    try:
        yield
    except (HospitalRefused, PaceUnavailable) as error:
        raise ConfigError(str(error)) from None


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """00:00 of that day in the zone; where the clock skips it, the moment it skips to."""
    return datetime.combine(day, time(), tzinfo=zone)
