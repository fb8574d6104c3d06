"""Section "load": the booking and status API under callers, and a clinic's busiest day replayed."""

import asyncio
import json
import shutil
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import TypeVar

from backoffice.bench.arrivals import Day, replay
from backoffice.bench.booked import PROGRAM, Found
from backoffice.bench.caller import Call, Caller, counted, figures, percentile
from backoffice.bench.databases import Database
from backoffice.bench.plan import Bench
from backoffice.bench.processes import environment, run
from backoffice.bench.standing import Ground, bench_ground
from backoffice.bench.surgery import Surgery, open_surgery, prepare, small_night
from backoffice.bench.tables import Section, Table
from backoffice.bench.visits import Visits, crowd

WEB_PROCESSES = (1, 4)
NIGHT_LINES = 200
DAY_SEED = 20
# As many as a clinic's callers and tills have open at once; more wait for one.
MOST_CONNECTIONS = 100
TIMES = ("calls", "p50 ms", "p95 ms", "p99 ms", "slot taken", "other 409s", "errors")
CROWD = ("database", "web processes", "calls/s", *TIMES)
CALLS = ("database", "call", "web processes", *TIMES)
DAY = (
    "database", "web processes", "bookings", "min", "p50 ms", "p95 ms", "p99 ms", "most at once", "without a visit",
    "slot taken", "errors", "overlaps", "201s lost",
)  # fmt: skip
One = TypeVar("One")
Load = Callable[[Visits], Awaitable[Day | None]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded:
    """One load: its calls, how long it took, and what was in the database afterwards."""

    database: str
    processes: int
    seconds: float
    calls: list[Call]
    found: Found
    wrong: list[str]
    day: Day | None = None

    @property
    def faults(self) -> list[str]:
        """What had to hold and did not. A request without an answer, or with a 5xx, may have booked all the same."""
        lost = sum(call.status == 0 or call.status >= 500 for call in self.calls)
        where = f"{self.database}, {self.processes} web processes: "
        return [where + fault for fault in (*self.found.faults(lost), *self.wrong)]


def measure(bench: Bench) -> Section:
    """Each number of web processes on each database with a fresh clinic; then a day with the most of them, on all
    databases at once."""
    crowds = []
    for database in bench.databases:
        for processes in WEB_PROCESSES:
            bench.say(f"load: {bench.sizes.load_callers} callers, {processes} web processes on {database.name}")
            crowds += _crowded(bench, database, processes)
    bench.say(f"load: a day of {bench.sizes.load_bookings:,} bookings")
    days = _day(bench, WEB_PROCESSES[-1])
    return Section(
        title="Booking and status under load",
        how=_how(bench),
        blocks=[
            Table(columns=CROWD, rows=[_crowd_row(one) for one in crowds]),
            Table(columns=CALLS, rows=[row for one in crowds for row in _call_rows(one)], words=2),
            Table(columns=DAY, rows=[_day_row(one, one.day) for one in days if one.day]),
        ],
        faults=tuple(fault for one in (*crowds, *days) for fault in one.faults),
    )


def _how(bench: Bench) -> str:
    sizes = bench.sizes
    return (
        f"gunicorn as `serve` starts it, with 1 and 4 processes of 4 threads, on a fresh database with "
        f"{sizes.load_practitioners} practitioners and half as many rooms. {sizes.load_callers} callers, each with one "
        f"request at a time and no pause, for {sizes.load_seconds:g} s: free slots of a day, hold and confirm, book "
        f"with an Idempotency-Key (one in eight sent twice), reschedule, cancel, list, and watch a run (with its ETag) "
        f"and the nights. The callers run on the same machine. `slot taken` is an answer: somebody was first. The last "
        f"table: the {sizes.load_bookings:,} bookings of a clinic's busiest day, as patients come over 24 hours, "
        f"replayed in {sizes.load_minutes:g} min, on all databases at once; nobody waits for another's answer, and "
        f"times are from a patient's arrival to the visit, of two or three calls. Afterwards the database is asked: no "
        f"two visits of one resource overlap, and each 201 is there once; that has to hold, speed has no bound."
    )


def _crowded(bench: Bench, database: Database, processes: int) -> list[Loaded]:
    sizes = bench.sizes

    async def load(visits: Visits) -> None:
        await crowd(visits, callers=sizes.load_callers, seconds=sizes.load_seconds)

    return _loaded(bench, [database], processes, load, seed=processes)


def _day(bench: Bench, processes: int) -> list[Loaded]:
    sizes = bench.sizes

    async def load(visits: Visits) -> Day:
        return await replay(visits, bookings=sizes.load_bookings, seconds=60 * sizes.load_minutes, seed=DAY_SEED)

    return _loaded(bench, bench.databases, processes, load, seed=DAY_SEED)


def _loaded(bench: Bench, on: Sequence[Database], processes: int, load: Load, *, seed: int) -> list[Loaded]:
    """The same load on each of these databases, at the same time."""

    async def loaded(database: Database, ground: Ground, address: str, surgery: Surgery) -> Loaded:
        async with Caller(address, surgery.headers, connections=MOST_CONNECTIONS) as caller:
            visits = Visits(caller, surgery, seed=seed)
            began = time.perf_counter()
            day = await load(visits)
            seconds = time.perf_counter() - began
        found = await asyncio.to_thread(found_in, ground, visits.booked)
        return Loaded(
            database=database.name, processes=processes, seconds=seconds, calls=caller.calls, day=day, found=found,
            wrong=visits.wrong,
        )  # fmt: skip

    with ExitStack() as stack:
        clinics = [(database, *stack.enter_context(surgery_on(bench, database, processes))) for database in on]
        return asyncio.run(together(loaded(*clinic) for clinic in clinics))


async def together(ones: Iterable[Coroutine[None, None, One]]) -> list[One]:
    """What they come to, in order; where one fails, the others end and its error is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in ones]
    except ExceptionGroup as several:
        raise several.exceptions[0] from None
    return [task.result() for task in tasks]


@contextmanager
def surgery_on(bench: Bench, database: Database, processes: int) -> Iterator[tuple[Ground, str, Surgery]]:
    """A clinic that nobody has booked in, a night that has run, and a web server of so many processes."""
    home = Path(mkdtemp(prefix="load-", dir=bench.folder))
    sizes = bench.sizes
    with database.fresh() as url, bench_ground(home, environment(home, url)) as ground:
        token = prepare(ground)
        watched = small_night(ground, bench.folder, lines=NIGHT_LINES)
        _, address = ground.web("web server", processes)
        yield ground, address, open_surgery(
            address, token, practitioners=sizes.load_practitioners, patients=sizes.load_patients, days=sizes.load_days,
            run=watched,
        )  # fmt: skip
    shutil.rmtree(home, ignore_errors=True)


def found_in(ground: Ground, told: list[int]) -> Found:
    """What the ground's database says of the visits that were told of."""
    return Found(**json.loads(run(sys.executable, "-m", PROGRAM, env=ground.env, text=json.dumps(told))))


def _crowd_row(one: Loaded) -> tuple[str, ...]:
    return one.database, str(one.processes), f"{len(one.calls) / one.seconds:,.1f}", *_times(one.calls)


def _call_rows(one: Loaded) -> Iterator[tuple[str, ...]]:
    for kind in sorted({call.kind for call in one.calls}):
        yield one.database, kind, str(one.processes), *_times([call for call in one.calls if call.kind == kind])


def _times(calls: list[Call]) -> tuple[str, ...]:
    of = figures(calls)
    times = (f"{value:,.0f}" for value in (of.p50, of.p95, of.p99))
    return f"{of.calls:,}", *times, f"{of.taken:,}", f"{of.refused:,}", counted(of.faults.items())


def _day_row(one: Loaded, day: Day) -> tuple[str, ...]:
    of = figures(one.calls)
    waited = (f"{1000 * percentile(day.waited, share):,.0f}" for share in (50, 95, 99))
    return (
        one.database, str(one.processes), f"{day.bookings:,}", f"{day.seconds / 60:.1f}", *waited,
        f"{day.most_at_once:,}", f"{day.without:,}", f"{of.taken:,}", counted(of.faults.items()),
        f"{one.found.overlaps:,}", f"{one.found.missing + one.found.twice:,}",
    )  # fmt: skip
