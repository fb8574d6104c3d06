"""Section "recovery": sequential and concurrent in one run, and what was asked of the hospital."""

from collections import Counter, defaultdict
from statistics import median

from backoffice.bench.hospital import make_data
from backoffice.bench.plan import Bench
from backoffice.bench.recoveries import Recovery, overheard, recover
from backoffice.bench.tables import Section, Table, ratio, verdict
from backoffice.bench.tap import Heard

DAYS = 30
CONCURRENT = 8
GOAL = 5.0
LOOKUPS = {
    "serviceConfiguration": "configuration",
    "costCenter": "cost_center",
    "responsiblePhysician": "physician",
    "case": "case",
    "serviceBlock": "block",
}
WRITE = "createServiceSession"
Runs = dict[tuple[str, int], list[Recovery]]


def measure(bench: Bench) -> Section:
    """Alternate concurrency 1 and CONCURRENT on each database; then listen in on a run that is not timed."""
    sizes = bench.sizes
    data = make_data(bench.folder / "hospital-recovery", appointments=sizes.recovery_appointments, days=DAYS)
    runs: Runs = defaultdict(list)
    for number in range(sizes.rounds):
        for database in bench.databases:
            for concurrency in (1, CONCURRENT):
                bench.say(f"recovery, round {number + 1} of {sizes.rounds}: {database.name}, concurrency {concurrency}")
                done = recover(bench.folder, database, data, latency_ms=sizes.latency_ms, concurrency=concurrency)
                runs[database.name, concurrency].append(done)
    bench.say("recovery: counting what is asked")
    listened, heard = overheard(bench.folder, bench.databases[0], data, concurrency=CONCURRENT)
    statements = _statements(listened, heard, [one for several in runs.values() for one in several])
    return Section(
        title="Recovery, one at a time and eight at once",
        how=(
            f"{data.appointments:,} appointments of {DAYS} days in a hospital that takes {sizes.latency_ms:g} ms for "
            f"every answer; no pace. Each run is a fresh `recover_services --wait` on a fresh database, the hospital a "
            f"process of its own. Medians of {sizes.rounds}, the columns in turn. The goal is {GOAL:g} times the rate."
        ),
        blocks=[_rates(bench, runs), _calls(bench, runs, heard), "\n".join(map(_line, statements))],
        faults=tuple(text for text, holds in statements if not holds),
    )


def _rates(bench: Bench, runs: Runs) -> Table:
    rows = []
    for database in bench.databases:
        one, many = runs[database.name, 1], runs[database.name, CONCURRENT]
        slow, fast = (median(run.rate for run in several) for several in (one, many))
        in_flight = max(run.hospital["max_in_flight"] for run in many)
        rows.append(
            (
                database.name,
                f"{median(run.seconds for run in one):.1f}",
                f"{slow:,.1f}",
                f"{median(run.seconds for run in many):.1f}",
                f"{fast:,.1f}",
                str(in_flight),
                ratio(fast, slow),
                verdict(fast >= GOAL * slow),
            )
        )
    columns = (
        "database",
        "1: s",
        "1: appointments/s",
        f"{CONCURRENT}: s",
        f"{CONCURRENT}: appointments/s",
        "most in flight",
        "ratio",
        "goal",
    )
    return Table(columns=columns, rows=rows)


def _calls(bench: Bench, runs: Runs, heard: Heard) -> Table:
    one, many = (Counter(runs[bench.databases[0].name, k][0].hospital["calls"]) for k in (1, CONCURRENT))
    calls, distinct = heard.calls(), heard.distinct()
    kinds = sorted({*one, *many, *calls})
    return Table(
        columns=("call", "at 1", f"at {CONCURRENT}", "listened to", "of them distinct"),
        rows=[(kind, *(f"{count[kind]:,}" for count in (one, many, calls, distinct))) for kind in kinds],
    )


def _statements(listened: Recovery, heard: Heard, timed: list[Recovery]) -> list[tuple[str, bool]]:
    calls, distinct = heard.calls(), heard.distinct()
    everyone = [*timed, listened]
    return [
        ("One call per distinct lookup key", all(calls[kind] == distinct[kind] for kind in LOOKUPS)),
        ("The caches count the calls that the hospital counts", all(map(_cache_agrees, everyone))),
        ("No write was sent twice", all(_no_key_twice(run) for run in everyone)),
        ("One session per appointment that was written, one call per session", all(map(_one_session_each, everyone))),
        ("The calls are the same whatever the concurrency", len({_fingerprint(run) for run in everyone}) == 1),
    ]


def _line(statement: tuple[str, bool]) -> str:
    text, holds = statement
    return f"- {text}: {'yes' if holds else '**no**'}"


def _cache_agrees(run: Recovery) -> bool:
    return all(
        run.report["cache"][kind]["calls"] == run.hospital["calls"].get(field, 0) for field, kind in LOOKUPS.items()
    )


def _no_key_twice(run: Recovery) -> bool:
    keys = run.hospital["keys_received"]
    return len(keys) == len(set(keys)) and len(keys) == int(run.hospital["calls"].get(WRITE, 0))


def _one_session_each(run: Recovery) -> bool:
    """What the hospital refused makes no session; apart from that a call is a session is a written appointment."""
    sessions = run.hospital["sessions_written"]
    outcomes = run.report["outcomes"]
    written = outcomes.get("recovered", 0) + outcomes.get("partially_recovered", 0)
    appointments = {session["appointment_id"] for session in sessions}
    return len(sessions) == len(appointments) and len(sessions) == int(written)


def _fingerprint(run: Recovery) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(run.hospital["calls"].items()))
