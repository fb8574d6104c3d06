"""Section "edi", paying: how fast adjudicated claims become an 835, whatever their number."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from backoffice.bench.edi_pay_child import LINES
from backoffice.bench.plan import Bench
from backoffice.bench.processes import Usage, environment, measured
from backoffice.bench.tables import Section, Table, verdict

LEAST_RATE = 3_000
COLUMNS = ("claims", "MB", "s to write", "claims/s", "goal", "s to read back", "peak MiB")


@dataclass(frozen=True, kw_only=True, slots=True)
class Paying:
    """One process that wrote one payment and read it back. `postable`: our own reader would post it."""

    claims: int
    lines: int
    postable: bool
    bytes: int
    written: float
    heard: float
    usage: Usage


def measure(bench: Bench) -> Section:
    """Each number of claims, in turn."""
    found: dict[int, list[Paying]] = {}
    for turn in range(bench.sizes.rounds):
        for number in bench.sizes.edi_claims:
            bench.say(f"edi, round {turn + 1} of {bench.sizes.rounds}: an 835 of {number:,} claims")
            found.setdefault(number, []).append(_pay(bench.folder, number))
    return Section(
        title="Writing 835s",
        how=(
            f"One payment for claims of {LINES} lines, made one by one (which is not counted), written by a process of "
            "its own, which then reads it back as a night does before it keeps it; no database. Its text is held, "
            f"since its first segment has its sum. Medians of {bench.sizes.rounds}. Goal: at least {LEAST_RATE:,} "
            "claims a second."
        ),
        blocks=[Table(columns=COLUMNS, rows=list(_rows(found)))],
        faults=tuple(_faults(found)),
    )


def _pay(folder: Path, number: int) -> Paying:
    child = (sys.executable, "-m", "backoffice.bench.edi_pay_child", str(number))
    usage = measured(*child, env=environment(folder / "payer"))
    return Paying(**json.loads(usage.stdout), usage=usage)


def _rows(found: dict[int, list[Paying]]) -> Iterator[tuple[str, ...]]:
    for number, several in sorted(found.items()):
        seconds = median(each.written for each in several)
        yield (
            f"{number:,}",
            f"{several[0].bytes / 1e6:.1f}",
            f"{seconds:.2f}",
            f"{number / seconds:,.0f}",
            verdict(number / seconds >= LEAST_RATE),
            f"{median(each.heard for each in several):.2f}",
            f"{median(each.usage.peak_mib for each in several):.1f}",
        )


def _faults(found: dict[int, list[Paying]]) -> Iterator[str]:
    """A payment that lacks a claim, or that would not be posted, proves nothing."""
    for number, several in found.items():
        for each in several:
            if (each.claims, each.lines, each.postable) != (number, number * LINES, True):
                yield f"an 835 of {number:,} claims: {each.claims:,} and {each.lines:,} lines were read back"
