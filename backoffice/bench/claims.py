"""Section "claims": a night against bare appends of its rows and a Django loop; what checkpoints and images cost."""

from statistics import median

from backoffice.bench.nights import Ground, Night, staged
from backoffice.bench.plan import Bench
from backoffice.bench.tables import Section, Table, ratio, verdict

EVERY = 20_000
FINE = 2_000
MOST_MIB = 800
STEPS = ("extract", "validate", "enrich", "price", "adjudicate", "remit")


def measure(bench: Bench) -> Section:
    """Each database in turn; the faults are sums that differ."""
    nights: list[list[str]] = []
    steps: list[list[str]] = []
    peaks: list[list[str]] = []
    cost: list[list[str]] = []
    loops: list[list[str]] = []
    faults: list[str] = []
    largest = max(bench.sizes.claims_lines)
    for database in bench.databases:
        for lines in sorted(bench.sizes.claims_lines):
            with staged(bench.folder, database, lines) as ground:
                _say(bench, ground, "the night")
                if lines == largest:
                    several = _nights(bench, ground, nights, steps, faults)
                    cost += _costs(bench, ground, several)
                else:
                    several = [ground.night(frequency=EVERY)]
                peaks.append(_peak(ground, several))
        with staged(bench.folder, database, bench.sizes.loop_lines) as ground:
            _say(bench, ground, "the Django loop")
            loops.append(_loop(ground, median(one.rate for one in several), faults))
    return Section(
        title="Nights of claims", how=_how(bench, largest), faults=tuple(faults),
        blocks=[
            Table(columns=NIGHTS, rows=nights, words=2), Table(columns=("database", "s", *STEPS), rows=steps),
            Table(columns=COSTS, rows=cost, words=2), Table(columns=LOOPS, rows=loops),
            Table(columns=PEAKS, rows=peaks),
        ],
    )  # fmt: skip


NIGHTS = ("database", "night", "s", "lines/s", "bare append: s", "ratio", "bound", "goal")
COSTS = ("database", "what", "with: s", "without: s", "share", "bound", "goal")
LOOPS = ("database", "loop: lines/s", "night: lines/s", "ratio", "bound 50", "goal 100")
PEAKS = ("database", "lines", "made: lines/s", "loaded: lines/s", "night's peak MiB", "under 800")


def _how(bench: Bench, lines: int) -> str:
    return (
        f"{lines:,} generated lines, extract to remit, in fresh processes on copies of a loaded database; "
        f"medians of {bench.sizes.claims_rounds}, in turn. A bare append is a COPY (on SQLite executemany) of the "
        f"priced and adjudicated rows out of memory into fresh tables with their key, {EVERY:,} a transaction. The "
        f"Django loop works {bench.sizes.loop_lines:,} lines: iterator(), dictionaries, bulk_create of 2,000, a "
        "checkpoint for each 2,000, the accumulator read and saved line by line [S2-42]."
    )


def _say(bench: Bench, ground: Ground, what: str) -> None:
    bench.say(f"claims: {what}, {ground.lines:,} lines on {ground.database.name}")


def _nights(
    bench: Bench, ground: Ground, nights: list[list[str]], steps: list[list[str]], faults: list[str]
) -> list[Night]:
    """At 20,000, at the default frequencies, and with two workers where two can write; the first ones."""
    kinds: dict[str, list[Night]] = {}
    bare = []
    for _ in range(bench.sizes.claims_rounds):
        kinds.setdefault(f"{EVERY:,} a checkpoint", []).append(ground.night(frequency=EVERY))
        bare.append(ground.appended(EVERY))
        kinds.setdefault("default frequencies", []).append(ground.night())
        if ground.database.name == "PostgreSQL":
            kinds.setdefault(f"{EVERY:,}, two workers", []).append(ground.worked(2, EVERY))
    bounds = {"default frequencies": (8, 4)}
    for kind, several in kinds.items():
        seconds, (bound, goal) = median(one.seconds for one in several), bounds.get(kind, (5, 2.5))
        judged = ground.database.name == "PostgreSQL"
        _say(bench, ground, f"{kind}: {seconds:.1f} s, bare append {median(bare):.1f} s")
        nights.append(
            [
                ground.database.name, kind, f"{seconds:.1f}", f"{median(one.rate for one in several):,.0f}",
                f"{median(bare):.1f}", ratio(seconds, median(bare)),
                *((verdict(seconds <= limit * median(bare)) if judged else "-") for limit in (bound, goal)),
            ]
        )  # fmt: skip
        taken = (f"{median(one.steps[step] for one in several):.1f}" for step in STEPS)
        steps.append([f"{ground.database.name}, {kind}", f"{seconds:.1f}", *taken])
    sums = {(one.read, one.paid, tuple(sorted(one.outcomes.items()))) for many in kinds.values() for one in many}
    if len(sums) > 1:
        faults.append(f"{ground.database.name}: nights of the same claims came to {len(sums)} different sums")
    return kinds[f"{EVERY:,} a checkpoint"]


def _costs(bench: Bench, ground: Ground, several: list[Night]) -> list[list[str]]:
    """Of checkpoints with before images, and of an undo, on PostgreSQL as the bounds have it."""
    if ground.database.name != "PostgreSQL":
        return []
    rows = []
    for frequency in (EVERY, FINE):
        _say(bench, ground, f"without checkpoints, {frequency:,}")
        full, bare = ground.night(frequency=frequency), ground.night(frequency=frequency, without=True)
        for what, one, other in (
            ("night", full.seconds, bare.seconds), ("adjudicate", full.steps["adjudicate"], bare.steps["adjudicate"])
        ):  # fmt: skip
            judged = frequency == EVERY
            rows.append(
                [
                    ground.database.name, f"checkpoints and before images at {frequency:,}, {what}", f"{one:.1f}",
                    f"{other:.1f}", f"{100 * (one / other - 1):.0f} % more",
                    *((verdict(one <= limit * other) if judged else "-") for limit in (1.25, 1.08)),
                ]
            )  # fmt: skip
    return [*rows, _undo(bench, ground, median(one.seconds for one in several))]


def _undo(bench: Bench, ground: Ground, whole: float) -> list[str]:
    """Of the last night, against what a night takes."""
    seconds, peak_mib = ground.undone()
    share = f"{100 * seconds / whole:.0f} % of it"
    _say(bench, ground, f"undone in {seconds:.1f} s, {share}")
    what = f"undo of the night, {peak_mib:.0f} MiB"
    return [ground.database.name, what, f"{seconds:.1f}", f"{whole:.1f}", share, "-", "-"]


def _loop(ground: Ground, rate: float, faults: list[str]) -> list[str]:
    """The rate of the loop against that of the night, once both have come to the same on the sample."""
    loop, night = ground.looped(), ground.night(frequency=EVERY)
    if (loop["paid"], loop["outcomes"]) != (night.paid, night.outcomes):
        faults.append(
            f"{ground.database.name}: the Django loop came to {loop['paid']:,} cents and {loop['outcomes']}, the night"
            f" to {night.paid:,} and {night.outcomes}"
        )
    own = loop["lines"] / loop["seconds"]
    met = (verdict(rate >= times * own) for times in (50, 100))
    return [ground.database.name, f"{own:,.0f}", f"{rate:,.0f}", ratio(rate, own), *met]


def _peak(ground: Ground, several: list[Night]) -> list[str]:
    peak = max(one.peak_mib for one in several)
    made = f"{ground.lines / ground.made:,.0f}" if ground.made else "-"
    loaded = f"{ground.lines / ground.loaded:,.0f}"
    return [ground.database.name, f"{ground.lines:,}", made, loaded, f"{peak:.0f}", verdict(peak <= MOST_MIB)]
