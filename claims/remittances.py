"""A provider's remittance: its lines, from the night's remittance output, with their adjustments (X12 835, CAS)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Any

from claims.controls import dollars
from claims.models import Remittance
from claims.pipeline import files, remit

# What the codes say (X12 external code list 139).
CARC = {
    1: "deductible",
    2: "coinsurance",
    3: "copay",
    26: "before coverage",
    27: "after coverage",
    31: "member unknown",
    45: "charge above the contract",
    96: "category not covered",
    119: "visits of the year used up",
    181: "procedure not valid on the date",
}
COLUMNS = ("claim_id", "line_number", "billed", "paid", "group", "reason", "amount")


@dataclass(frozen=True, kw_only=True, slots=True)
class Adjustment:
    group: str
    reason: int
    amount: Decimal

    @property
    def code(self) -> str:
        return f"{self.group}-{self.reason}"

    @property
    def meaning(self) -> str:
        return CARC.get(self.reason, "")


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """billed - paid = the sum of its adjustments."""

    claim_id: str
    line_number: int
    billed: Decimal
    paid: Decimal
    denied: bool
    adjustments: list[Adjustment]


def lines_of(remittance: Remittance, first: int = 0, most: int | None = None) -> Iterator[Line]:
    """The provider's lines, by claim and line; from the `first` on, at most so many."""
    last = None if most is None else first + most
    return islice(map(_line, _rows(remittance)), first, last)


def _rows(remittance: Remittance) -> Iterator[dict[str, Any]]:
    """The files are sorted by provider: of each, only the blocks with its lines are read."""
    import polars as pl

    begun = False
    for row in files.of_output(remittance.night, remit.OUTPUT):
        with files.storage().open(row.name, "rb") as file:
            frame = pl.scan_parquet(file).filter(pl.col("provider_npi") == remittance.provider_npi).collect()
        if begun and frame.is_empty():
            return
        begun = begun or not frame.is_empty()
        yield from frame.iter_rows(named=True)


def _line(row: dict[str, Any]) -> Line:
    amounts = [
        ("CO", 45, row["co_45"]), ("PR", 1, row["pr_1"]), ("PR", 2, row["pr_2"]), ("PR", 3, row["pr_3"]),
        (row["denied_group"], row["denial"], row["denied_amount"]),
    ]  # fmt: skip
    return Line(
        claim_id=row["claim_id"], line_number=row["line_number"], billed=dollars(row["billed"]),
        paid=dollars(row["paid"]), denied=bool(row["denial"]),
        adjustments=[
            Adjustment(group=group, reason=reason, amount=dollars(cents)) for group, reason, cents in amounts if cents
        ],
    )  # fmt: skip


def csv_rows(remittance: Remittance) -> Iterator[tuple[object, ...]]:
    """COLUMNS, one row for each adjustment; a line that is paid as billed has one without."""
    for line in lines_of(remittance):
        known = (line.claim_id, line.line_number, line.billed, line.paid)
        for each in line.adjustments:
            yield (*known, each.group, each.reason, each.amount)
        if not line.adjustments:
            yield (*known, "", "", "")
