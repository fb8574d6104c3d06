"""Section "memory": the peak of a run's process, whatever the number; and a run in what a region has."""

from collections import defaultdict
from statistics import median

from backoffice.bench.hospital import make_data
from backoffice.bench.plan import Bench
from backoffice.bench.processes import REGION_MIB
from backoffice.bench.recoveries import Recovery, recover
from backoffice.bench.tables import Section, Table, ratio, verdict

PER_DAY = 55  # 200,000 are ten years: a backfill has more days, not more appointments a day
CONCURRENCY = 8
MOST_GROWTH = 1.10
Runs = dict[int, list[Recovery]]
COLUMNS = (
    "database",
    "appointments",
    "peak MiB",
    "to the smallest",
    "goal",
    "s",
    "appointments/s",
    "CPU s",
    "asked again",
)
IN_A_REGION = ("database", "appointments", "RLIMIT_AS MiB", "cores", "status", "peak MiB", "s", "CPU s")


def measure(bench: Bench) -> Section:
    """Each number of appointments in turn; the largest once, since it is long and varies least."""
    sizes = bench.sizes
    largest = max(sizes.memory_appointments)
    data = {
        number: make_data(bench.folder / f"hospital-{number}", appointments=number, days=max(7, number // PER_DAY))
        for number in sizes.memory_appointments
    }
    runs: dict[str, Runs] = {database.name: defaultdict(list) for database in bench.databases}
    for turn in range(sizes.rounds):
        for number in sizes.memory_appointments:
            for database in bench.databases:
                if number == largest and turn:
                    continue
                bench.say(f"memory, round {turn + 1} of {sizes.rounds}: {number:,} appointments on {database.name}")
                done = recover(bench.folder, database, data[number], latency_ms=0, concurrency=CONCURRENCY)
                runs[database.name][number].append(done)
    middle = data[sorted(data)[1]]
    confined = {}
    for database in bench.databases:
        bench.say(f"memory: {middle.appointments:,} appointments in what a region has, on {database.name}")
        confined[database.name] = recover(
            bench.folder, database, middle, latency_ms=0, concurrency=CONCURRENCY, confined=True
        )
    return Section(
        title="Memory",
        how=(
            f"The peak of the resident memory of the process that works the run, at concurrency {CONCURRENCY}, with "
            f"{PER_DAY} appointments a day, against a hospital that answers at once. Medians of {sizes.rounds}, the "
            f"rows in turn; the largest once. Goals: at most {MOST_GROWTH:.2f} times the smallest, and under "
            f"{REGION_MIB} MiB. The second table: a whole run in what a region has [S1-05], {REGION_MIB} MiB of "
            f"address space (RLIMIT_AS, which counts what is reserved, too; threads have stacks of 1 MiB, and the C "
            f"library one arena) and half a core (pinned to one and stopped for half of the time)."
        ),
        blocks=[
            Table(columns=COLUMNS, rows=_rows(runs)),
            Table(columns=IN_A_REGION, rows=[_confined(name, one) for name, one in confined.items()]),
        ],
        faults=(*_not_read(runs), *_not_whole(confined, middle.appointments)),
    )


def _confined(name: str, one: Recovery) -> tuple[str, ...]:
    usage = one.usage
    return (
        name, f"{one.appointments:,}", str(REGION_MIB), "0.5", one.report["status"], f"{usage.peak_mib:.1f}",
        f"{one.seconds:.1f}", f"{usage.cpu_seconds:.1f}",
    )  # fmt: skip


def _not_whole(confined: dict[str, Recovery], appointments: int) -> list[str]:
    """What has to hold for a region: the job ends, with all that there is."""
    return [
        f"{name}: in what a region has, {one.appointments:,} of {appointments:,} appointments read, the run "
        f"{one.report['status']}"
        for name, one in confined.items()
        if (one.appointments, one.report["status"]) != (appointments, "complete")
    ]


def _rows(runs: dict[str, Runs]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for name, by_number in runs.items():
        peaks = {number: median(run.usage.peak_mib for run in several) for number, several in by_number.items()}
        smallest = peaks[min(peaks)]
        for number, several in sorted(by_number.items()):
            met = peaks[number] <= smallest * MOST_GROWTH and peaks[number] < REGION_MIB
            rows.append(
                (
                    name,
                    f"{number:,}",
                    f"{peaks[number]:.1f}",
                    ratio(peaks[number], smallest),
                    verdict(met),
                    f"{median(run.seconds for run in several):.1f}",
                    f"{median(run.rate for run in several):,.0f}",
                    f"{median(run.usage.cpu_seconds for run in several):.1f}",
                    f"{several[0].reasked:,}",
                )
            )
    return rows


def _not_read(runs: dict[str, Runs]) -> list[str]:
    """A run that read less than there is proves nothing."""
    return [
        f"{name}: {run.appointments:,} of {number:,} appointments read"
        for name, by_number in runs.items()
        for number, several in by_number.items()
        for run in several
        if run.appointments != number
    ]
