"""What an 835 makes of a claim: from its amounts and adjustments, since most denials say "processed" (CLP02 = 1).

Source: edi.md 6.4. Which reasons are contractual, and which of the patient's group are denials, is a setting.
"""

from dataclasses import dataclass
from decimal import Decimal

from claims.edi.balance import all_adjustments
from claims.edi.remittance import ZERO, Adjustment, PaidClaim
from claims.edi.status import State

BY_CODE = {
    "4": State.DENIED,
    "19": State.NEXT_PAYER,
    "20": State.NEXT_PAYER,
    "21": State.NEXT_PAYER,
    "22": State.REVERSED,
    "23": State.FORWARDED,
    "25": State.NO_PAYMENT,
}
PRIOR_PAYER = "23"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reasons:
    """CARC codes. `contractual`: written off by contract or law, or paid by a payer before, in CO, OA and PI.

    `denials_of_patient`: those of PR that are no share of the patient but a denial.
    """

    contractual: frozenset[str] = frozenset(("23", "45", "59", "94", "104", "105", "131", "144", "223", "237", "253"))
    denials_of_patient: frozenset[str] = frozenset(("26", "27", "29", "31", "49", "96", "119", "204"))

    def is_denial(self, adjustment: Adjustment) -> bool:
        if adjustment.amount <= 0:
            return False
        if adjustment.group == "PR":
            return adjustment.reason in self.denials_of_patient
        return adjustment.reason not in self.contractual


USUAL_REASONS = Reasons()


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjudication:
    """Dollars paid, of the patient's share, written off, denied. `denied_lines`: those paid 0 with a denial."""

    state: State
    paid: Decimal
    share: Decimal
    contractual: Decimal
    denied: Decimal
    denied_lines: int


def adjudicated(claim: PaidClaim, reasons: Reasons = USUAL_REASONS) -> Adjudication:
    share = contractual = denied = prior = ZERO
    for each in all_adjustments(claim):
        if reasons.is_denial(each):
            denied += each.amount
        elif each.group == "PR":
            share += each.amount
        else:
            contractual += each.amount
            prior += each.amount if each.reason == PRIOR_PAYER else ZERO
    denied_lines = sum(1 for line in claim.lines if line.paid == 0 and any(map(reasons.is_denial, line.adjustments)))
    return Adjudication(
        state=BY_CODE.get(claim.code) or _by_amounts(claim, share, contractual, denied, prior),
        paid=claim.paid,
        share=share,
        contractual=contractual,
        denied=denied,
        denied_lines=denied_lines,
    )


def _by_amounts(claim: PaidClaim, share: Decimal, contractual: Decimal, denied: Decimal, prior: Decimal) -> State:
    """CLP02 1, 2, 3, or a code that is not known. A negative amount takes money back, whatever the code says."""
    if claim.paid < 0:
        return State.REVERSED
    if claim.paid > 0:
        in_full = not denied and claim.paid + contractual + share == claim.charge
        return State.PAID if in_full else State.PARTLY_PAID
    if share > 0 or (not denied and claim.share > 0):
        return State.PATIENT_SHARE
    if not denied and (prior > 0 or not claim.charge):
        return State.PAID  # the payer before paid it all, or there was nothing to pay
    return State.DENIED
