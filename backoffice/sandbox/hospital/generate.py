"""Makes a hospital folder: a believable clinic in which each situation of situations.py occurs.

Streamed day by day, so that 200,000 appointments need the memory of one day (and of the ids of the cases).
"""

import csv
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

from backoffice.sandbox.hospital import catalogue
from backoffice.sandbox.hospital.folder import write_folder
from backoffice.sandbox.hospital.situations import SITUATIONS, Draft, Situation

OPENS: Final = 14  # UTC; 8 o'clock in Chicago
SLOTS: Final = 108  # of five minutes: nine hours
DEFAULT_DAYS: Final = 90
_SITUATIONS: Final = [situation for situation, _ in SITUATIONS]
_CUMULATED: Final = list(accumulate(weight for _, weight in SITUATIONS))


def generate(folder: Path, *, appointments: int = 2000, seed: int = 1, end: date, start: date | None = None) -> None:
    """Write the eight tables to `folder`, the same for the same arguments.

    Appointments lie in [start, end), UTC days without Sundays; start is by default 90 days before end. With at least
    as many appointments as there are situations, each situation occurs. Raises ValueError for an empty range.
    """
    start = start or end - timedelta(days=DEFAULT_DAYS)
    days = [day for day in _days(start, end) if day.weekday() != 6]
    if not days or appointments < 1:
        raise ValueError("a hospital needs a working day between start and end, and an appointment")
    write_folder(
        folder,
        {
            "service_configurations": catalogue.rule_rows(),
            "service_blocks": catalogue.block_rows(start),
            "cost_centers": catalogue.cost_center_rows(),
            "responsible_physicians": catalogue.physician_rows(),
        },
    )
    with _Writer(folder) as writer:
        for visit in _visits(days, appointments, Random(seed)):  # noqa: S311 (made-up visits, no secret)
            writer.write(visit)


class _Visit(NamedTuple):
    """A drafted appointment with its place in time."""

    key: str
    start: datetime
    minutes: int
    draft: Draft
    case_type: str


def _days(start: date, end: date) -> Iterator[date]:
    for offset in range((end - start).days):
        yield start + timedelta(days=offset)


def _visits(days: list[date], total: int, random: Random) -> Iterator[_Visit]:
    """`total` visits in the order of their start, spread evenly over `days`. Hospitals of other seeds share no id."""
    mark = f"{random.getrandbits(24):06x}"
    patients = max(20, total // 12)
    number = 0
    for index, day in enumerate(days):
        count = total * (index + 1) // len(days) - total * index // len(days)
        opening = datetime.combine(day, time(OPENS), UTC)
        for slot in sorted(random.randrange(SLOTS) for _ in range(count)):
            draft = _draft(f"P-{mark}-{random.randrange(patients) + 1:06d}", random)
            _situation(number, total, random)(draft, random)
            yield _Visit(
                f"A-{mark}-{_scrambled(number)}",
                opening + timedelta(minutes=5 * slot),
                random.choice((15, 20, 30, 45)),
                draft,
                # An infusion ward's monitoring is for inpatients: an outpatient case is what makes the trap.
                "OUTPATIENT" if draft.visit is catalogue.INFUSION else _case_type(random),
            )
            number += 1


def _situation(number: int, total: int, random: Random) -> Situation:
    """By weight; but each situation has one visit kept for it, so that a small hospital has them all."""
    kept, rest = divmod(number * len(SITUATIONS), total)
    if rest < len(SITUATIONS) <= total:
        return SITUATIONS[kept][0]
    return random.choices(_SITUATIONS, cum_weights=_CUMULATED)[0]


def _draft(patient: str, random: Random) -> Draft:
    place = random.randrange(len(catalogue.DEPARTMENTS))
    visit = catalogue.ORDINARY[place % len(catalogue.ORDINARY)]
    draft = Draft(visit, catalogue.DEPARTMENTS[place], patient, f"DR-{place:02d}-{random.randrange(4)}")
    for activity in sorted(visit.performed):
        if random.random() < 0.4:
            draft.perform(activity)
    return draft


def _case_type(random: Random) -> str:
    return random.choices(("OUTPATIENT", "EMERGENCY", "INPATIENT"), (90, 7, 3))[0]


def _scrambled(number: int) -> str:
    """A text that does not sort by time. The factor is odd, so that no two numbers meet."""
    return f"{number * 2654435761 % 2**32:08x}"


class _Writer:
    """Appends to the four tables that grow with the number of appointments."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = ExitStack()
        self._tables: dict[str, Any] = {}
        self._cases: set[str] = set()

    def __enter__(self) -> "_Writer":
        for table in ("appointments", "activities", "service_sessions", "cases"):
            file = self._files.enter_context((self._folder / f"{table}.csv").open("a", newline="", encoding="utf-8"))
            self._tables[table] = csv.writer(file, lineterminator="\n")
        return self

    def __exit__(self, *_: object) -> None:
        self._files.close()

    def write(self, visit: _Visit) -> None:
        draft = visit.draft
        type_code = draft.visit.code if draft.type_code is None else draft.type_code
        times = _text(visit.start), _end(visit)
        people = draft.patient or "", draft.department or "", draft.practitioner or ""
        self._row("appointments", (visit.key, *times, draft.status, type_code, *people, self._case(visit)))
        for activity, quantity in draft.activities:
            self._row("activities", (visit.key, activity, quantity))
        for number, services in enumerate(draft.sessions, start=1):
            for block, quantity, status in services:
                self._row("service_sessions", (f"S-{visit.key[2:]}-{number}", visit.key, block, quantity, status))

    def _case(self, visit: _Visit) -> str:
        """The case's id, its row written when it is met for the first time."""
        if visit.draft.case == "none":
            return ""
        patient = visit.draft.patient or "P-000000"
        key = f"C-{patient[2:]}-{visit.start.year}-{visit.case_type[:3]}"
        if visit.draft.case == "unknown":
            return f"{key}-X"
        status = "OPEN"
        if visit.draft.case == "closed":
            key, status = f"{key}-Z", "CLOSED"
        if key not in self._cases:
            self._cases.add(key)
            self._row("cases", (key, patient, visit.case_type, status))
        return key

    def _row(self, table: str, cells: Iterable[object]) -> None:
        self._tables[table].writerow(cells)


def _text(moment: datetime) -> str:
    return moment.isoformat()[:19] + "Z"


def _end(visit: _Visit) -> str:
    minutes = {"later": visit.minutes, "same": 0, "before": -visit.minutes}.get(visit.draft.end)
    return "" if minutes is None else _text(visit.start + timedelta(minutes=minutes))
