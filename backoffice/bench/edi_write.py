"""Section "edi", writing: how fast claims become 837Ps, and in how much memory, whatever their number."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from backoffice.bench.edi_write_child import LINES, WITH_RULES, WRITTEN
from backoffice.bench.plan import Bench
from backoffice.bench.processes import Usage, environment, measured
from backoffice.bench.tables import Section, Table, ratio, verdict
from claims.edi.outbound import MOST_CLAIMS as SET

LEAST_RATE = 3_000
MOST_GROWTH = 1.10
COLUMNS = (
    "what", "claims", "MB", "s to write", "claims/s", "goal", "s for rules", "s to read back", "peak MiB",
    "to the first full ST", "goal of memory",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Writing:
    """One process that wrote one file. `seconds` by what they went to: write, rules, check."""

    claims: int
    lines: int
    faults: int
    bytes: int
    seconds: dict[str, float]
    usage: Usage


def measure(bench: Bench) -> Section:
    """Each number of claims, alone and between the rules and the reading back, in turn."""
    found: dict[tuple[str, int], list[Writing]] = {}
    for turn in range(bench.sizes.rounds):
        for number in bench.sizes.edi_claims:
            for what in (WRITTEN, WITH_RULES):
                bench.say(f"edi, round {turn + 1} of {bench.sizes.rounds}: {number:,} claims {what}")
                found.setdefault((what, number), []).append(_write(bench.folder, what, number))
    return Section(
        title="Writing 837Ps",
        how=(
            f"Claims of {LINES} lines, made one by one (which is not counted), every fourth a dependant's, written to "
            f"one file by a process of its own, at most {SET:,} to an ST. With the rules: each claim judged by all of "
            "them, and each ST read back, as before a file is sent; no database. Medians of "
            f"{bench.sizes.rounds}, the rows in turn. Goals: at least {LEAST_RATE:,} claims a second, with rules and "
            f"reading back too; and written alone at most {MOST_GROWTH:.2f} times the memory of the smallest number "
            "that fills an ST. With the rules, a control number and a hash of each service are kept of each claim."
        ),
        blocks=[Table(columns=COLUMNS, rows=list(_rows(found)))],
        faults=tuple(_faults(found)),
    )


def _write(folder: Path, what: str, number: int) -> Writing:
    file = folder / "written.txt"
    child = (sys.executable, "-m", "backoffice.bench.edi_write_child", what, str(number), str(file))
    usage = measured(*child, env=environment(folder / "writer"))
    return Writing(**json.loads(usage.stdout), bytes=file.stat().st_size, usage=usage)


def _rows(found: dict[tuple[str, int], list[Writing]]) -> Iterator[tuple[str, ...]]:
    peaks = {key: median(each.usage.peak_mib for each in several) for key, several in found.items()}
    full = min((number for _, number in found if number >= SET), default=min(number for _, number in found))
    for (what, number), several in sorted(found.items(), key=lambda each: (each[0][0] != WRITTEN, each[0][1])):
        seconds = {name: median(each.seconds[name] for each in several) for name in several[0].seconds}
        peak, to = peaks[what, number], peaks[what, full]
        alone = what == WRITTEN
        yield (
            what,
            f"{number:,}",
            f"{several[0].bytes / 1e6:.1f}",
            f"{seconds['write']:.2f}",
            f"{number / seconds['write']:,.0f}",
            verdict(number / sum(seconds.values()) >= LEAST_RATE),
            "-" if alone else f"{seconds['rules']:.2f}",
            "-" if alone else f"{seconds['check']:.2f}",
            f"{peak:.1f}",
            ratio(peak, to),
            verdict(peak <= to * MOST_GROWTH) if alone else "-",
        )


def _faults(found: dict[tuple[str, int], list[Writing]]) -> Iterator[str]:
    """A file that lacks a claim or a line, or that is wrong, proves nothing."""
    for (what, number), several in found.items():
        for each in several:
            if (each.claims, each.lines, each.faults) != (number, number * LINES, 0):
                yield (
                    f"{number:,} claims {what}: the file has {each.claims:,} and {each.lines:,} lines, "
                    f"and {each.faults:,} faults were found"
                )
