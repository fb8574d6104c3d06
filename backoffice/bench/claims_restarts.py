"""Section "restarts": what is left to do of a step after a kill -9 at nine tenths of it."""

from statistics import median

from backoffice.bench.claims import EVERY, STEPS
from backoffice.bench.nights import Ground, staged
from backoffice.bench.plan import Bench
from backoffice.bench.tables import Section, Table, verdict

MOST_SHARE = 0.15
COLUMNS = (
    "database", "a checkpoint", "step", "restarted: s", "from scratch: s", "share", f"bound {100 * MOST_SHARE:.0f} %",
)  # fmt: skip
AS_SET = 0
FREQUENCIES = {EVERY: f"{EVERY:,}", AS_SET: "default"}


def measure(bench: Bench) -> Section:
    """On PostgreSQL, as the bounds have it: rounds of a whole night, and of one killed in each step."""
    lines = max(bench.sizes.claims_lines)
    rows: list[list[str]] = []
    for database in bench.databases:
        if database.name == "PostgreSQL":
            with staged(bench.folder, database, lines) as ground:
                for frequency in FREQUENCIES:
                    rows += _restarts(bench, ground, frequency)
    return Section(
        title="Restarts of a night's steps",
        how=(
            f"{lines:,} generated lines at {EVERY:,} a checkpoint and at the default frequencies, in fresh processes "
            f"on copies of a loaded database; medians of {bench.sizes.claims_rounds}: a whole night, and one that is "
            "killed by kill -9 at nine tenths of each of its steps, in turn. A restart is timed from its first "
            "statement to the step's end, against that step from scratch; in both the program is loaded before. Each "
            "compares all that the step has written, what stood before the kill too [X-12]."
        ),
        blocks=[Table(columns=COLUMNS, rows=rows, words=3)],
        faults=() if rows else ("No restart was measured: it needs PostgreSQL.",),
    )


def _restarts(bench: Bench, ground: Ground, frequency: int) -> list[list[str]]:
    often = FREQUENCIES[frequency]
    whole: dict[str, list[float]] = {step: [] for step in STEPS}
    left: dict[str, list[float]] = {step: [] for step in STEPS}
    for _ in range(bench.sizes.claims_rounds):
        bench.say(f"restarts: {ground.lines:,} lines on {ground.database.name}, {often} a checkpoint")
        for times, found in (
            (whole, ground.night(frequency=frequency).steps),
            (left, ground.restarted(STEPS, frequency=frequency)),
        ):
            for step in STEPS:
                times[step].append(found[step])
    rows = []
    for step in STEPS:
        seconds, scratch = median(left[step]), median(whole[step])
        met, of_it = verdict(seconds <= MOST_SHARE * scratch), f"{100 * seconds / scratch:.1f} %"
        bench.say(f"restarts: {step} was killed and restarted in {seconds:.1f} s, {of_it}")
        rows.append([ground.database.name, often, step, f"{seconds:.1f}", f"{scratch:.1f}", of_it, met])
    return rows
