"""One thread of a visit, whoever tells of it: what its rows are, and who is asked for those of the apps above."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from backoffice.above import Above
from clinic.booking.models import Appointment
from regions.models import Region


@dataclass(frozen=True, kw_only=True, slots=True)
class Visit:
    """What a thread is of. `number`: the hospital's of the appointment, "" where nobody knows it; `appointment`: where
    it was booked here; `claim`: the billing record whose page it is, which may be of no visit."""

    region: Region
    number: str = ""
    appointment: Appointment | None = None
    claim: int | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """A page of the admin."""

    text: str
    url: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One thing that happened: at `at`, or as we heard of it, dated `day` (ISO). Amounts are as they are shown.

    `kind`: booking, sample, order, visit, service, claim, batch, acknowledgement, status, report, remittance, ours.
    `about`: the claim that it is of. Nothing of it names a patient but `says`, which is masked already.
    """

    at: datetime
    kind: str
    title: str
    links: tuple[Link, ...]
    tone: str = ""
    says: str = ""
    notes: tuple[str, ...] = ()
    day: str = ""
    charge: str = ""
    paid: str = ""
    share: str = ""


# Each gives its rows of a visit of that region, in their own order, which is kept.
RowsOf = Callable[[Visit], Iterable[Row]]
THREADS: Above[RowsOf] = Above()


def merged(one: Iterable[Row], other: Iterable[Row], zone: ZoneInfo) -> list[Row]:
    """Both in the order of time, each in its own order still: a row that is told late stands where it is dated, at the
    end of that day in the region's `zone`."""
    found = [*_timed(one, zone), *_timed(other, zone)]
    return [row for _, row in sorted(found, key=lambda timed: timed[0])]


def _timed(rows: Iterable[Row], zone: ZoneInfo) -> Iterator[tuple[datetime, Row]]:
    """With when it stands in the thread: never before the row that it follows."""
    last: datetime | None = None
    for row in rows:
        dated = datetime.fromisoformat(f"{row.day}T23:59:59").replace(tzinfo=zone) if row.day else row.at
        last = max(filter(None, (last, min(row.at, dated))))
        yield last, row
