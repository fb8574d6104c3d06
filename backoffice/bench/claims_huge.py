"""Section "huge": a night of ten times the claims needs more time, not more memory."""

from backoffice.bench.claims import EVERY, MOST_MIB
from backoffice.bench.nights import staged
from backoffice.bench.plan import Bench
from backoffice.bench.tables import Section, Table, ratio, verdict

COLUMNS = (
    "database", "lines", "made: lines/s", "loaded: lines/s", "night: s", "lines/s", "peak MiB", "in",
    "to the smaller", f"under {MOST_MIB}",
)  # fmt: skip


def measure(bench: Bench) -> Section:
    """On PostgreSQL, whose bulk tables are made for it; the smaller first."""
    rows = []
    for database in bench.databases:
        smaller = 0.0
        for lines in bench.sizes.huge_lines if database.name == "PostgreSQL" else ():
            bench.say(f"huge: {lines:,} lines on {database.name}")
            with staged(bench.folder, database, lines) as ground:
                night = ground.night(frequency=EVERY)
            smaller = smaller or night.peak_mib
            rows.append(
                [
                    database.name, f"{lines:,}", f"{lines / ground.made:,.0f}", f"{lines / ground.loaded:,.0f}",
                    f"{night.seconds:.1f}", f"{night.rate:,.0f}", f"{night.peak_mib:.0f}", night.peak_in,
                    ratio(night.peak_mib, smaller), verdict(night.peak_mib <= MOST_MIB),
                ]
            )  # fmt: skip
    return Section(
        title="A huge night of claims",
        how=(
            f"One night each at {EVERY:,} a checkpoint, in one process, extract to remit; the peak of the resident "
            f"memory of that process. The bound is {MOST_MIB} MiB for a worker, whatever the number of lines; "
            "seconds are of one run each, beside whatever else ran."
        ),
        blocks=[Table(columns=COLUMNS, rows=rows)],
        faults=() if rows else ("No night was measured: a huge one needs PostgreSQL.",),
    )
