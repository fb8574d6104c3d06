"""make_claims: a folder of claim lines and reference tables of any size, the same for the same seed.

Shaped to meet every rule: members whose lines change one accumulator again and again [S2-35], faulty and duplicate
lines, members without coverage, retired procedures, categories that a plan does not cover, visit limits that are
reached, and providers under each kind of contract.
"""

import csv
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

from claims.pipeline.load import ACCUMULATOR_COLUMNS, LINE_COLUMNS, TABLES

CATEGORIES = ("OFFICE", "PREVENTIVE", "THERAPY", "IMAGING", "LAB", "SURGERY", "DIALYSIS", "DENTAL")
LINES_A_MEMBER = 8
FAULTY = 0.02
HOT_EVERY = 20_000  # one member in so many lines has hundreds
HOT_LINES = 300


def generate(folder: Path, *, lines: int, seed: int, run_date: date, providers: int | None = None) -> None:
    """Write the folder; the lines are served in the year up to the run date. One provider in 200 lines, if not said.

    Members and providers are numbers until they are written, so that memory does not grow with the lines.
    """
    folder.mkdir(parents=True, exist_ok=True)
    random = Random(seed)  # noqa: S311 (nothing is secret here)
    members = range(1, max(2, lines // LINES_A_MEMBER) + 1)
    npis = range(1_000_000_000, 1_000_000_000 + (providers or max(20, lines // 200)))
    procedures = [f"{10_000 + number}" for number in range(200)]
    for name, rows in _references(random, members, npis, procedures, run_date).items():
        _write(folder / name, tuple(TABLES[name].columns), rows)
    _write(folder / "accumulators.csv", ACCUMULATOR_COLUMNS, _opening(random, members, run_date))
    _write(folder / "claim_lines.csv", LINE_COLUMNS, _lines(random, lines, members, npis, procedures, run_date))


def _references(
    random: Random, members: range, npis: range, procedures: list[str], run_date: date
) -> dict[str, Iterable[tuple[Any, ...]]]:
    begin, ended = "2000-01-01", (run_date - timedelta(days=200)).isoformat()
    return {
        "providers.csv": (
            (npi, f"Provider {npi % 1_000_000:06}", f"K{1 + n % 4}", begin, ended if n % 50 == 7 else "")
            for n, npi in enumerate(npis)
        ),
        "procedure_codes.csv": [
            (code, f"Procedure {code}", CATEGORIES[n % len(CATEGORIES)], begin, ended if n % 40 == 9 else "")
            for n, code in enumerate(procedures)
        ],
        "plans.csv": [
            ("PLAN1", "500.00", "3000.00", "20"), ("PLAN2", "1500.00", "6000.00", "30"),
            ("PLAN3", "0.00", "1500.00", "10"), ("PLAN4", "2500.00", "2500.00", "0"),
            ("PLAN5", "1000.00", "1100.00", "12.5"),
        ],
        "plan_benefits.csv": [
            (
                f"PLAN{plan}", category, "false" if (plan, category) in {(1, "DENTAL"), (4, "DENTAL")} else "true",
                {"OFFICE": "25.00", "THERAPY": "40.00"}.get(category, "0.00"),
                "true" if category in ("OFFICE", "PREVENTIVE") else "false",
                {"THERAPY": "12", "DIALYSIS": "40"}.get(category, ""),
            )
            for plan in range(1, 6)
            for category in CATEGORIES
        ],
        "member_benefits.csv": _coverage(random, members, run_date),
        "fee_schedule.csv": [
            (schedule, code, f"{random.randint(1_000, 60_000) / 100:.2f}")
            for schedule in ("F1", "F2")
            for code in procedures
            if random.random() < 0.9
        ],
        "contract_terms.csv": [
            ("K1", "F1", "100", "60"), ("K2", "F1", "115", "70"), ("K3", "F2", "90", "55"),
            ("K4", "F2", "87.5", "33.33"),
        ],
    }  # fmt: skip


def _member(number: int) -> str:
    return f"M{number:09}"


def _coverage(random: Random, members: range, run_date: date) -> Iterator[tuple[str, ...]]:
    """Most members all the time, some until or from half a year ago, some twice, a few never."""
    half = run_date - timedelta(days=180)
    for member in map(_member, members):
        chance, plan, other = random.random(), random.randint(1, 5), random.randint(1, 5)
        if chance < 0.005:
            continue
        if chance < 0.03:
            yield member, f"PLAN{plan}", "2010-01-01", half.isoformat()
        elif chance < 0.05:
            yield member, f"PLAN{plan}", half.isoformat(), ""
        elif chance < 0.08:
            yield member, f"PLAN{plan}", "2010-01-01", half.isoformat()
            yield member, f"PLAN{other}", (half + timedelta(days=1)).isoformat(), ""
        else:
            yield member, f"PLAN{plan}", "2010-01-01", ""


def _opening(random: Random, members: range, run_date: date) -> Iterator[tuple[Any, ...]]:
    for member in map(_member, members[::3]):
        met = random.randint(0, 90_000)
        yield member, run_date.year, "deductible_met", f"{met / 100:.2f}"
        yield member, run_date.year, "out_of_pocket_met", f"{(met + random.randint(0, 200_000)) / 100:.2f}"
        yield member, run_date.year, "visits:THERAPY", random.randint(1, 13)


def _lines(
    random: Random, lines: int, members: range, npis: range, procedures: list[str], run_date: date
) -> Iterator[tuple[Any, ...]]:
    begin = run_date - timedelta(days=300)
    written, claim = 0, 0
    last: tuple[str, ...] | None = None
    hot, hot_left = 0, 0
    while written < lines:
        claim += 1
        if hot_left <= 0 and random.random() < 1 / HOT_EVERY * 3:
            hot, hot_left = random.choice(members), HOT_LINES
        member = hot if hot_left > 0 and random.random() < 0.5 else random.choice(members)
        npi = random.choice(npis)
        served = begin + timedelta(days=random.randint(0, 299))
        received = served + timedelta(days=random.randint(0, 40))
        of_claim = min(lines - written, random.choice((1, 2, 3, 3, 4, 6)))
        if member == hot:
            hot_left -= of_claim
        for number in range(1, of_claim + 1):
            row: tuple[str, ...] = (
                _member(member), str(npi), served.isoformat(), received.isoformat(), random.choice(procedures),
                str(random.choice((1, 1, 1, 2, 5))), f"{random.randint(500, 250_000) / 100:.2f}",
            )  # fmt: skip
            if random.random() < FAULTY / of_claim:
                row = _spoilt(random, row, last, run_date)
            yield f"C{claim:09}", number, *row
            last = row
        written += of_claim


def _spoilt(random: Random, row: tuple[str, ...], last: tuple[str, ...] | None, run_date: date) -> tuple[str, ...]:
    """The line with one of the seven faults, or of another member than its claim."""
    member, provider, served, received, procedure, units, billed = row
    tomorrow = (run_date + timedelta(days=1)).isoformat()
    late = (date.fromisoformat(served) + timedelta(days=366)).isoformat()
    return random.choice(
        [
            ("", *row[1:]),
            (member, "9999999999", *row[2:]),
            (member, provider, random.choice(["2024-13-01", "n/a", tomorrow]), *row[3:]),
            (member, provider, "1999-06-01", "1999-06-02", procedure, units, billed),
            (member, provider, served, received, procedure, units, random.choice(["0.00", "-5.00", "twelve"])),
            (member, provider, served, late, procedure, units, billed),
            last or row,
            ("M999999999", *row[1:]),
        ]
    )


def _write(path: Path, columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
