"""The claims of a lab night: those of make_claims, and two members made for T11 [S2-34] [S2-35].

One has two updates of one field, by two claims of one day; the other has 47, each of which moves deductible and
out-of-pocket maximum. They have a plan and procedures of their own, under which every line is paid.
"""

import csv
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from claims.pipeline.generate import generate

RUN_DATE = date(2024, 1, 15)
TWICE, FORTY_SEVEN = "T11TWICE", "T11FORTYSEVEN"
UPDATES = 47
PLAN = CATEGORY = CONTRACT = SCHEDULE = PROCEDURE = "T11"
PROVIDER = "1999999999"
# What is off when two updates are undone in the wrong order is the first of them: $127.43, as it was found then.
AMOUNTS = {TWICE: (12_743, 5_000), FORTY_SEVEN: tuple(1_000 + 101 * n for n in range(UPDATES))}


def make(folder: Path, lines: int, seed: int) -> None:
    """Write the folder of `lines` claim lines, the 49 of the two members among them."""
    shaped = list(_lines())
    generate(folder, lines=lines - len(shaped), seed=seed, run_date=RUN_DATE)
    begin = "2000-01-01"
    _append(folder / "claim_lines.csv", shaped)
    _append(folder / "providers.csv", [(PROVIDER, "Provider of T11", CONTRACT, begin, "")])
    _append(folder / "procedure_codes.csv", [(_procedure(n), "Visit", CATEGORY, begin, "") for n in range(UPDATES)])
    _append(folder / "plans.csv", [(PLAN, "999999.00", "999999.00", "20")])
    _append(folder / "plan_benefits.csv", [(PLAN, CATEGORY, "true", "0.00", "false", "")])
    _append(folder / "member_benefits.csv", [(member, PLAN, begin, "") for member in (TWICE, FORTY_SEVEN)])
    _append(folder / "contract_terms.csv", [(CONTRACT, SCHEDULE, "100", "100")])


def _lines() -> Iterable[tuple[str, ...]]:
    """Without a fee each is allowed what it bills, and the deductible takes all of it."""
    for member, cents in AMOUNTS.items():
        for n, amount in enumerate(cents):
            day = "2023-11-20" if member == TWICE else f"2023-{1 + n // 5:02}-{1 + n % 5 * 5:02}"
            billed = f"{amount // 100}.{amount % 100:02}"
            yield f"{member}{n:02}", "1", member, PROVIDER, day, "2023-12-28", _procedure(n), "1", billed


def _procedure(number: int) -> str:
    return f"{PROCEDURE}{number:02}"


def _append(path: Path, rows: Iterable[tuple[str, ...]]) -> None:
    with path.open("a", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
