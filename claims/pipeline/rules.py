"""Adjudication of one claim line, on integer cents: what an auditor reads (claims-pipeline.md, "Adjudicate")."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

VISIT_LIMIT = 119  # CARC 119: benefit maximum for this time period has been reached


class Benefit(NamedTuple):
    """What a plan pays for one category. Money in cents, percent in hundredths of one; no limit is None."""

    deductible: int
    out_of_pocket_max: int
    coinsurance_percent: int
    copay: int
    copay_only: bool
    visit_limit: int | None


@dataclass(slots=True)
class Met:
    """A member's accumulators of one benefit year: cents, and paid lines by category."""

    deductible: int = 0
    out_of_pocket: int = 0
    visits: dict[str, int] = field(default_factory=dict)


Shares = tuple[int, int, int]  # what the member owes of a paid line, in cents: copay, deductible, coinsurance


def adjudicate(allowed: int, category: str, benefit: Benefit, met: Met) -> Shares | None:
    """The member's shares, counted into `met`; None when the year's visits have reached the limit (denied 119).

    paid = allowed - copay - deductible - coinsurance.
    """
    of_plan, out_of_pocket_max, percent, of_category, copay_only, visit_limit = benefit
    visits = met.visits.get(category, 0)
    if visit_limit is not None and visits >= visit_limit:
        return None

    copay = min(of_category, allowed)
    deductible = coinsurance = 0
    if not copay_only:
        deductible = min(allowed - copay, max(0, of_plan - met.deductible))
        coinsurance = half_up((allowed - copay - deductible) * percent)

    # The out-of-pocket maximum caps what is owed: coinsurance gives way first, then deductible, then copay.
    owed = copay + deductible + coinsurance
    over = owed - max(0, out_of_pocket_max - met.out_of_pocket)
    if over > 0:
        owed -= over
        cut = min(over, coinsurance)
        coinsurance, over = coinsurance - cut, over - cut
        cut = min(over, deductible)
        deductible, over = deductible - cut, over - cut
        copay -= over

    met.deductible += deductible
    met.out_of_pocket += owed
    met.visits[category] = visits + 1
    return copay, deductible, coinsurance


def half_up(hundredths_of_percent: int) -> int:
    """Cents of an amount in cents times hundredths of a percent, half a cent up."""
    return (hundredths_of_percent + 5_000) // 10_000
