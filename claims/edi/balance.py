"""Whether a remittance balances, to the cent (edi.md 6.5): lines, claims, and the payment. AMT never counts."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from claims.edi.remittance import ZERO, Adjustment, Difference, PaidClaim, PaymentEnd, ProviderAdjustment

SHOWN = 50  # differences kept of one set


def taken_off(adjustments: Iterable[Adjustment]) -> Decimal:
    return sum((each.amount for each in adjustments), ZERO)


def differences(claim: PaidClaim) -> Iterator[Difference]:
    """Rules 1 and 2: each line, the claim, and the sum of the lines' charges."""
    on_lines = ZERO
    for line in claim.lines:
        off = taken_off(line.adjustments)
        on_lines += off
        if left := line.charge - off - line.paid:
            yield Difference(line.segment, "line", left)
    if left := claim.charge - taken_off(claim.adjustments) - on_lines - claim.paid:
        yield Difference(claim.segment, "claim", left)
    if claim.lines and (left := claim.charge - sum((line.charge for line in claim.lines), ZERO)):
        yield Difference(claim.segment, "charges", left)


def share_of_patient(claim: PaidClaim) -> Decimal:
    """The PR adjustments of the claim and its lines."""
    return sum((each.amount for each in all_adjustments(claim) if each.group == "PR"), ZERO)


def all_adjustments(claim: PaidClaim) -> Iterator[Adjustment]:
    yield from claim.adjustments
    for line in claim.lines:
        yield from line.adjustments


@dataclass(slots=True, kw_only=True)
class Tally:
    """The sums of a set while it is read."""

    segment: int
    total: Decimal = ZERO
    headed: bool = True
    claims: int = 0
    lines: int = 0
    charged: Decimal = ZERO
    paid: Decimal = ZERO
    adjusted_by: Decimal = ZERO
    unbalanced: int = 0
    shares: int = 0
    differences: list[Difference] = field(default_factory=list)

    def counted(self, claim: PaidClaim) -> PaidClaim:
        """The claim, with its differences."""
        self.claims += 1
        self.lines += len(claim.lines)
        self.charged += claim.charge
        self.paid += claim.paid
        claim.differences = list(differences(claim))
        self.unbalanced += bool(claim.differences)
        if left := claim.share - share_of_patient(claim):
            self.shares += 1
            claim.warnings.append(Difference(claim.segment, "share", left))
        self.differences += claim.differences[: SHOWN - len(self.differences)]
        return claim

    def adjusted(self, adjustment: ProviderAdjustment) -> ProviderAdjustment:
        self.adjusted_by += adjustment.amount
        return adjustment

    def end(self, *, whole: bool, legible: bool) -> PaymentEnd:
        return PaymentEnd(
            segment=self.segment,
            claims=self.claims,
            lines=self.lines,
            charged=self.charged,
            paid=self.paid,
            adjusted=self.adjusted_by,
            total=self.total,
            unbalanced=self.unbalanced,
            shares=self.shares,
            differences=self.differences,
            headed=self.headed,
            legible=legible,
            whole=whole,
        )
