"""Section "sync": a sheet of phones against the row-by-row loop, and what a sync asks for and uses at any length."""

from collections import defaultdict
from statistics import median

from backoffice.bench.plan import Bench
from backoffice.bench.processes import REGION_MIB
from backoffice.bench.syncs import PACED, UNPACED, Looped, Synced, looped, synced
from backoffice.bench.tables import Section, Table, ratio, verdict

GOAL = 20
JUDGED_AT = 50  # ms
MOST_REQUESTS, MOST_SHEET_CALLS, MOST_GROWTH = 30, 22, 1.25
SPEEDS = (
    "database", "answers take: ms", "s", "rows/s", "loop: rows/s", "loop, scaled: s", "ratio", "goal", "15 minutes",
)  # fmt: skip
SIZES = (
    "database", "rows", "s", "rows/s", "FHIR requests/1,000", "sheet calls/1,000", "bounds", "CPU s", "peak MiB",
    "to the smallest", "goal",
)  # fmt: skip


def measure(bench: Bench) -> Section:
    """The loop's sample and the sync in turn; then each length in what a region has, without a pace."""
    loops: dict[float, list[Looped]] = defaultdict(list)
    syncs: dict[tuple[str, float], list[Synced]] = defaultdict(list)
    sizes = bench.sizes
    for turn in range(sizes.sync_rounds):
        for latency in sizes.sync_latencies:
            bench.say(f"sync, round {turn + 1} of {sizes.sync_rounds}: the loop at {latency:g} ms")
            loops[latency].append(looped(bench.folder, rows=sizes.sync_sample, latency_ms=latency))
            for database in bench.databases:
                bench.say(f"sync: {sizes.sync_rows:,} rows at {latency:g} ms on {database.name}")
                one = synced(bench.folder, database, rows=sizes.sync_rows, latency_ms=latency, pace=PACED)
                syncs[database.name, latency].append(one)
    lengths: dict[tuple[str, int], Synced] = {}
    for rows in sizes.sync_lengths:
        for database in bench.databases:
            bench.say(f"sync: {rows:,} rows in what a region has, on {database.name}")
            one = synced(bench.folder, database, rows=rows, latency_ms=0, pace=UNPACED, confined=True)
            lengths[database.name, rows] = one
    everyone = [*(one for several in syncs.values() for one in several), *lengths.values()]
    return Section(
        title="The phone sync", how=_how(bench), faults=tuple(fault for one in everyone for fault in _faults(one)),
        blocks=[
            Table(columns=SPEEDS, rows=_speeds(bench, syncs, loops)),
            Table(columns=SIZES, rows=[_length(name, one, lengths) for (name, _), one in lengths.items()]),
        ],
    )  # fmt: skip


def _how(bench: Bench) -> str:
    sizes = bench.sizes
    return (
        f"{sizes.sync_rows:,} rows of a Google sheet, as feeds leave them, to a FHIR server, both of the sandbox and "
        f"processes of their own; each sync is a fresh `sync_phones --wait` on a fresh database, at the usual pace of "
        f"{PACED['fhir']:g} requests and {PACED['fhir_entries']:g} entries a second and the sheet's quota of 60 calls "
        f"a minute; medians of {sizes.sync_rounds}, in turn. The loop works {sizes.sync_sample:,} rows one by one at "
        f"{PACED['fhir']:g} requests a second with a pooled session and retries [S1-19], scaled to as many rows; the "
        f"sheet's quota, which would make it six times slower still, is lifted for it. The goal is {GOAL} times at "
        f"{JUDGED_AT} ms. The second table has no pace, and what a region has [S1-05]: {REGION_MIB} MiB of address "
        f"space (RLIMIT_AS, which counts what is reserved, too; threads have stacks of 1 MiB, and the C library one "
        f"arena) and half a core (the process is pinned to one and stopped for half of the time); the bounds are "
        f"{MOST_REQUESTS} requests and {MOST_SHEET_CALLS} calls for each 1,000 rows, and at most {MOST_GROWTH:g} times "
        f"the smallest's memory."
    )


def _speeds(
    bench: Bench, syncs: dict[tuple[str, float], list[Synced]], loops: dict[float, list[Looped]]
) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for (name, latency), several in syncs.items():
        seconds, rate = median(one.seconds for one in several), median(one.rate for one in several)
        loop = median(one.rate for one in loops[latency])
        rows.append(
            (
                name, f"{latency:g}", f"{seconds:.1f}", f"{rate:.1f}", f"{loop:.2f}",
                f"{bench.sizes.sync_rows / loop:,.0f}", ratio(rate, loop),
                verdict(rate >= GOAL * loop) if latency == JUDGED_AT else "-", verdict(seconds < 15 * 60),
            )
        )  # fmt: skip
    return rows


def _length(name: str, one: Synced, lengths: dict[tuple[str, int], Synced]) -> tuple[str, ...]:
    smallest = min((other for (of, _), other in lengths.items() if of == name), key=lambda other: other.rows)
    requests, calls = one.per_thousand(one.fhir), one.per_thousand(one.sheet)
    peak, least = one.usage.peak_mib, smallest.usage.peak_mib
    return (
        name, f"{one.rows:,}", f"{one.seconds:.1f}", f"{one.rate:.0f}", f"{requests:.1f}", f"{calls:.1f}",
        verdict(requests <= MOST_REQUESTS and calls <= MOST_SHEET_CALLS), f"{one.usage.cpu_seconds:.1f}",
        f"{peak:.1f}", ratio(peak, least), verdict(peak < REGION_MIB and peak <= MOST_GROWTH * least),
    )  # fmt: skip


def _faults(one: Synced) -> list[str]:
    """A sync that read less than there is, or whose figures are not the servers', proves nothing."""
    found = []
    if one.report["read"] != one.rows or one.report["status"] != "complete":
        found.append(f"{one.report['read']:,} of {one.rows:,} rows read, the run {one.report['status']}")
    if one.report["totals"]["successful_updates"] != one.fhir["written"]:
        found.append(f"{one.rows:,} rows: the FHIR server was written to {one.fhir['written']:,} times")
    if one.report["calls"]["fhir_requests"] != one.fhir["requests"]:
        found.append(f"{one.rows:,} rows: the FHIR server was asked {one.fhir['requests']:,} times")
    return found
