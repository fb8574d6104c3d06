"""Which claims of a payment do not balance, and by how much: what is asked of the payer. Source: edi.md 6.5."""

from decimal import Decimal

from billing.reading.said import Json, kept, kept_amount
from claims.edi.balance import all_adjustments, taken_off
from claims.edi.remittance import PaidClaim, PaidLine

CLAIMS_SHOWN = 50
LINES_SHOWN = 20


def unbalanced(claim: PaidClaim, start: int) -> Json:
    """Of a claim with differences, in Payment.unbalanced. `start`: the segment of its set's ST.

    difference = charge - paid - adjusted; `lines_off`: by how much the charge is not that of its lines.
    """
    rules = {each.rule: each.amount for each in claim.differences}
    lines = {each.segment for each in claim.differences if each.rule == "line"}
    shown = [line for line in claim.lines if line.segment in lines][:LINES_SHOWN]
    return {
        "account": kept(claim.account, 50),
        "segment": max(0, claim.segment - start + 1),
        **_sums(claim.charge, claim.paid, taken_off(all_adjustments(claim))),
        "lines_off": _dollars(rules.get("charges", Decimal(0))),
        "lines": [_line(line, start) for line in shown],
    }


def _line(line: PaidLine, start: int) -> Json:
    return {
        "control": kept(line.reference, 30),
        "segment": max(0, line.segment - start + 1),
        **_sums(line.charge, line.paid, taken_off(line.adjustments)),
    }


def _sums(charge: Decimal, paid: Decimal, adjusted: Decimal) -> Json:
    amounts = {"charge": charge, "paid": paid, "adjusted": adjusted, "difference": charge - paid - adjusted}
    return {name: _dollars(amount) for name, amount in amounts.items()}


def _dollars(amount: Decimal) -> str:
    return str(kept_amount(amount))
