"""Section "edi": how fast 835s are read, and in how much memory, whatever the number of claims."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from statistics import median

from backoffice.bench.plan import Bench
from backoffice.bench.processes import Usage, environment, measured
from backoffice.bench.tables import Section, Table, ratio, verdict

LEAST_RATE = 2_000
MOST_GROWTH = 1.10
LINES = 2
CLAIM = (
    "CLP*A{number:012}*1*200*130*20*12*P{number}*11*1~\nNM1*QC*1*DOE*JANE****MI*M{number}~\nMOA***MA01~\n"
    "SVC*HC:99213:25*150*130**1~\nDTM*472*20260102~\nCAS*PR*1*20~\nREF*6R*L1~\nAMT*B6*150~\n"
    "SVC*HC:99214*50*0**1~\nDTM*472*20260102~\nCAS*CO*45*30**253*10**97*10~\nREF*6R*L2~\nLQ*HE*N130~\n"
)
COLUMNS = ("read from", "claims", "MB", "s", "claims/s", "goal", "peak MiB", "to the smallest", "goal of memory")


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """One process that read one file."""

    claims: int
    lines: int
    paid: Decimal
    postable: bool
    seconds: float
    usage: Usage


def measure(bench: Bench) -> Section:
    """Each number of claims from an open file and from bytes, in turn."""
    files = {number: payment(bench.folder / f"{number}.835", number) for number in bench.sizes.edi_claims}
    found: dict[tuple[str, int], list[Reading]] = {}
    for turn in range(bench.sizes.rounds):
        for number, file in files.items():
            for source in ("file", "bytes"):
                bench.say(f"edi, round {turn + 1} of {bench.sizes.rounds}: {number:,} claims from {source}")
                found.setdefault((source, number), []).append(_read(bench.folder, file, source))
    return Section(
        title="Reading 835s",
        how=(
            f"One 835 with all claims in one transaction set, {LINES} lines each, balanced, read to its end by a "
            "process of its own: tokens, loops, money, balance, and what the amounts make of each claim; no database. "
            f"From bytes, the file is held as well. Medians of {bench.sizes.rounds}, the rows in turn. Goals: at least "
            f"{LEAST_RATE:,} claims a second, and from a file at most {MOST_GROWTH:.2f} times the smallest's memory."
        ),
        blocks=[Table(columns=COLUMNS, rows=list(_rows(found, files)))],
        faults=tuple(_faults(found)),
    )


def payment(file: Path, number: int) -> Path:
    """An 835 of so many claims, written as it goes."""
    isa = f"ISA*00*{'':10}*00*{'':10}*ZZ*{'PAYER':15}*ZZ*{'CLINIC':15}*260105*1200*^*00501*000000001*0*P*:~\n"
    segments = 6 + number * CLAIM.count("~")
    with file.open("w", encoding="ascii") as out:
        out.write(f"{isa}GS*HP*PAYER*CLINIC*20260105*1200*1*X*005010X221A1~\nST*835*0001~\n")
        out.write(f"BPR*I*{130 * number}*C*ACH************20260105~\nTRN*1*TRACE*1512345678~\nN1*PR*PAYER~\nLX*1~\n")
        for claim in range(number):
            out.write(CLAIM.format(number=claim))
        out.write(f"SE*{segments}*0001~\nGE*1*1~\nIEA*1*000000001~\n")
    return file


def _read(folder: Path, file: Path, source: str) -> Reading:
    child = (sys.executable, "-m", "backoffice.bench.edi_read_child", source, str(file))
    usage = measured(*child, env=environment(folder / "reader"))
    said = json.loads(usage.stdout)
    return Reading(**{**said, "paid": Decimal(said["paid"])}, usage=usage)


def _rows(found: dict[tuple[str, int], list[Reading]], files: dict[int, Path]) -> Iterator[tuple[str, ...]]:
    peaks = {key: median(each.usage.peak_mib for each in readings) for key, readings in found.items()}
    for (source, number), readings in sorted(found.items(), key=lambda each: (each[0][0] != "file", each[0][1])):
        seconds = median(each.seconds for each in readings)
        peak, smallest = peaks[source, number], peaks[source, min(files)]
        yield (
            source,
            f"{number:,}",
            f"{files[number].stat().st_size / 1e6:.1f}",
            f"{seconds:.2f}",
            f"{number / seconds:,.0f}",
            verdict(number / seconds >= LEAST_RATE),
            f"{peak:.1f}",
            ratio(peak, smallest),
            verdict(peak <= smallest * MOST_GROWTH) if source == "file" else "-",
        )


def _faults(found: dict[tuple[str, int], list[Reading]]) -> Iterator[str]:
    """A reading that missed a claim, a line or a cent proves nothing."""
    for (source, number), readings in found.items():
        whole = (number, number * LINES, Decimal(130 * number), True)
        for each in readings:
            if (each.claims, each.lines, each.paid, each.postable) != whole:
                yield f"{number:,} claims from {source}: {each.claims:,} claims and {each.lines:,} lines were read"
