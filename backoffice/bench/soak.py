"""Section "soak": whether the memory of the web, the worker, the publisher and a consumer stays flat under a steady
load of bookings, status calls and recoveries."""

import asyncio
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from backoffice.bench.booked import Found
from backoffice.bench.caller import Call, Caller, counted, figures
from backoffice.bench.databases import Database
from backoffice.bench.hospital import HospitalData, make_data, served
from backoffice.bench.load import NIGHT_LINES, found_in, together
from backoffice.bench.plan import Bench
from backoffice.bench.processes import environment
from backoffice.bench.resident import MOST_GROWTH, Course, Watch
from backoffice.bench.standing import Ground, Standing, bench_ground
from backoffice.bench.surgery import REGION, Surgery, open_surgery, prepare, small_night
from backoffice.bench.tables import Section, Table, verdict
from backoffice.bench.visits import Visits, steadily
from clinic.events.consumers import consumers

WEB_PROCESSES = 2
WARM_UP = 6  # of so many parts of the time, the first
SAMPLE_SECONDS = 10.0
FEWEST_SAMPLES = 24
RECOVERY_SECONDS = 15.0
MOST_AT_ONCE = 32
APPOINTMENTS = 60
MEMORY = ("database", "process", "start MiB", "end MiB", "peak MiB", "rises by", f"under {MOST_GROWTH:.0%}")
LOAD = (
    "database", "min", "calls", "calls/s", "p50 ms", "p95 ms", "p99 ms", "recoveries", "slot taken", "other 409s",
    "errors", "overlaps", "201s lost",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Soaked:
    """One soak: what was called, and the course of each process after the warm-up."""

    database: str
    seconds: float
    calls: list[Call]
    courses: list[Course]
    found: Found
    wrong: list[str]

    @property
    def faults(self) -> list[str]:
        """Memory that grows is one, other than speed."""
        lost = sum(call.status == 0 or call.status >= 500 for call in self.calls)
        grown = [
            f"the {one.title} grew by {one.growth:.1%} after the warm-up, from {one.start:.1f} to {one.end:.1f} MiB"
            for one in self.courses
            if not one.flat
        ]
        return [f"{self.database}: {fault}" for fault in (*grown, *self.found.faults(lost), *self.wrong)]


def measure(bench: Bench) -> Section:
    """All databases at once, for the whole time."""
    sizes = bench.sizes
    data = make_data(bench.folder / "hospital-soak", appointments=APPOINTMENTS, days=7)
    bench.say(f"soak: {sizes.soak_minutes:g} min")
    with ExitStack() as stack:
        stood = [(database, *stack.enter_context(_stood(bench, database, data))) for database in bench.databases]
        done = asyncio.run(together(_soaked(bench, data, *one) for one in stood))
    return Section(
        title="A soak",
        how=(
            f"For {sizes.soak_minutes:g} min on all databases at once, {sizes.soak_per_second:g} things a second, as "
            f"under load above, and a recovery of {APPOINTMENTS} appointments each {RECOVERY_SECONDS:g} s: gunicorn "
            f"with {WEB_PROCESSES} processes, a worker, `publish_events --every 1` and each consumer that is on. "
            f"Resident memory of each process that stays, each {_period(60 * sizes.soak_minutes):g} s; a worker's "
            f"children live for one job and are not shown. After a warm-up of a sixth of the time, the straight line "
            f"through the samples must rise by less than {MOST_GROWTH:.0%} of their mean."
        ),
        blocks=[
            Table(columns=MEMORY, rows=[row for one in done for row in _memory_rows(one)], words=2),
            Table(columns=LOAD, rows=[_load_row(one) for one in done]),
        ],
        faults=tuple(fault for one in done for fault in one.faults),
    )


async def _soaked(
    bench: Bench, data: HospitalData, database: Database, ground: Ground, address: str, surgery: Surgery,
    standing: list[Standing],
) -> Soaked:  # fmt: skip
    seconds = 60 * bench.sizes.soak_minutes
    watch = Watch({one.pid: one.title for one in standing})

    async def sample() -> None:
        began = time.perf_counter()
        period = _period(seconds)
        for number in range(int(seconds / period) + 1):
            await asyncio.sleep(max(0.0, began + number * period - time.perf_counter()))
            for one in standing:
                one.must_live()
            watch.look(number * period)

    async with Caller(address, surgery.headers, connections=MOST_AT_ONCE) as caller:
        visits = Visits(caller, surgery, seed=1)
        load = steadily(visits, per_second=bench.sizes.soak_per_second, seconds=seconds, most=MOST_AT_ONCE)
        await together([load, sample(), _recoveries(caller, data, seconds)])
    found = await asyncio.to_thread(found_in, ground, visits.booked)
    return Soaked(
        database=database.name, seconds=seconds, calls=caller.calls, courses=watch.courses(seconds / WARM_UP),
        found=found, wrong=visits.wrong,
    )  # fmt: skip


async def _recoveries(caller: Caller, data: HospitalData, seconds: float) -> None:
    """One is begun from time to time; where the last still runs, that is a 409 and the next one's turn."""
    days = {"from": data.begins.isoformat(), "to": data.ends.isoformat()}
    body = {"job": "recover_services", "region": REGION, "parameters": days}
    began = time.perf_counter()
    for number in range(max(1, int(seconds / RECOVERY_SECONDS))):
        await asyncio.sleep(max(0.0, began + number * RECOVERY_SECONDS - time.perf_counter()))
        await caller.ask("recovery", "POST", "/runs/", json=body)


@contextmanager
def _stood(
    bench: Bench, database: Database, data: HospitalData
) -> Iterator[tuple[Ground, str, Surgery, list[Standing]]]:
    """Everything that is to be watched, up, beside a hospital."""
    home = Path(mkdtemp(prefix="soak-", dir=bench.folder))
    sizes = bench.sizes
    with (
        database.fresh() as url,
        served(data, home / "sandbox-home", latency_ms=0) as hospital,
        bench_ground(home, environment(home, url)) as ground,
    ):
        endpoint = {"HOSPITAL_GRAPHQL_URL": hospital.url, "HOSPITAL_API_TOKEN": hospital.token}
        token = prepare(ground, env_vars=endpoint)
        watched = small_night(ground, bench.folder, lines=NIGHT_LINES)
        web, address = ground.web("web server", WEB_PROCESSES)
        others = [
            ground.manage("worker", "work"),
            ground.manage("publisher", "publish_events", "--every", "1"),
            # All that are on: what one of them has not settled, the stream keeps.
            *(ground.manage(f"consumer {one.name}", "consume", one.name) for one in consumers() if one.replicas),
        ]
        surgery = open_surgery(
            address, token, practitioners=sizes.load_practitioners, patients=sizes.load_patients, days=sizes.load_days,
            run=watched,
        )  # fmt: skip
        yield ground, address, surgery, [web, *others]
    shutil.rmtree(home, ignore_errors=True)


def _period(seconds: float) -> float:
    """Ten seconds, or less where that would be too few looks to draw a line through."""
    return min(SAMPLE_SECONDS, seconds / FEWEST_SAMPLES)


def _memory_rows(one: Soaked) -> Iterator[tuple[str, ...]]:
    for course in one.courses:
        figures_of = (f"{mib:.1f}" for mib in (course.start, course.end, course.peak))
        yield one.database, course.title, *figures_of, f"{course.growth:+.1%}", verdict(course.flat)


def _load_row(one: Soaked) -> tuple[str, ...]:
    of = figures(one.calls)
    times = (f"{value:,.0f}" for value in (of.p50, of.p95, of.p99))
    recoveries = sum(call.kind == "recovery" and call.status == 201 for call in one.calls)
    return (
        one.database, f"{one.seconds / 60:g}", f"{of.calls:,}", f"{of.calls / one.seconds:,.1f}", *times,
        f"{recoveries:,}", f"{of.taken:,}", f"{of.refused:,}", counted(of.faults.items()),
        f"{one.found.overlaps:,}", f"{one.found.missing + one.found.twice:,}",
    )  # fmt: skip
