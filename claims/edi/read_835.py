"""835: what a payer paid, claim by claim. A set is read as a stream: its Payment, its PaidClaims, its PaymentEnd.

Whoever posts it does so in one transaction and takes everything back where the PaymentEnd says that the set is not
postable (edi.md 6.5): whether it balances is known at its end only, and 100,000 claims are not to be held until then.
Source: edi.md 6.4.
"""

from collections.abc import Callable, Iterator
from itertools import chain

from claims.edi.balance import Tally
from claims.edi.envelope import Transaction
from claims.edi.findings import Findings
from claims.edi.remittance import Adjustment, PaidClaim, PaidLine, Party, Payment, PaymentEnd, ProviderAdjustment
from claims.edi.values import day, money, quantity
from claims.edi.x12 import Segment

LAST_ADJUSTMENT = 20  # CAS: up to six of reason, amount, quantity, from the second element on
PROVIDER_ADJUSTMENTS = range(3, 15, 2)  # PLB: up to six of reason and amount


Record = Payment | PaidClaim | ProviderAdjustment | PaymentEnd


STARTS = frozenset(("LX", "CLP", "PLB"))
HEADS_OF_LINES = frozenset(("LX", "TS2", "TS3"))


def read_835(transaction: Transaction, findings: Findings) -> Iterator[Record]:
    """Payment, then PaidClaims and ProviderAdjustments in the file's order, then PaymentEnd."""
    garbage = findings.counts["amount"]
    payment, rest = _head(transaction, findings)
    yield payment
    tally = Tally(segment=payment.segment, total=payment.total, headed=bool(payment.handling and payment.trace))
    yield from _claims(rest, tally, findings)
    yield tally.end(whole=transaction.whole, legible=findings.counts["amount"] == garbage)


def _head(transaction: Transaction, findings: Findings) -> tuple[Payment, Iterator[Segment]]:
    """What stands before the first claim, and the segments from there on."""
    payment = Payment(segment=transaction.segment)
    rest: Iterator[Segment] = iter(())
    for segment in transaction.body:
        if segment.id in STARTS:
            rest = chain((segment,), transaction.body)
            break
        _read_head(payment, segment, findings)
    place = f"segment {payment.segment} (ST)"
    if not payment.handling:
        findings.add(place, "no-money")
    if not payment.trace:
        findings.add(place, "no-trace")
    return payment, rest


def _claims(rest: Iterator[Segment], tally: Tally, findings: Findings) -> Iterator[PaidClaim | ProviderAdjustment]:
    claim: PaidClaim | None = None
    for segment in rest:
        name = segment.id
        if claim and name in STARTS:
            yield tally.counted(claim)
            claim = None
        if name == "CLP":
            claim = _claim(segment, findings)
        elif name == "PLB":
            yield from map(tally.adjusted, _provider_adjustments(segment, findings))
        elif claim:
            _read_claim(claim, segment, findings)
        elif name not in HEADS_OF_LINES:
            findings.add(segment.place(), "hierarchy")
    if claim:
        yield tally.counted(claim)


def _read_head(payment: Payment, segment: Segment, findings: Findings) -> None:
    match segment.id, segment.at(1):
        case "BPR", handling:
            payment.handling, payment.method = handling, segment.at(4)
            payment.total = money(segment, 2, findings)
            payment.paid_on = day(segment, 16, findings)
        case "TRN", _:
            payment.trace, payment.originator = segment.at(2), segment.at(3)
        case "N1", "PR":
            payment.payer, payment.payer_id = segment.at(2), segment.at(4)
        case "N1", "PE":
            payment.payee, payment.payee_id = segment.at(2), segment.at(4)
        case "REF", "2U":
            payment.payer_id = payment.payer_id or segment.at(2)
        case "DTM", "405":
            payment.produced_on = day(segment, 2, findings)


def _claim(segment: Segment, findings: Findings) -> PaidClaim:
    if not segment.at(1):
        findings.add(segment.place(1), "no-key")
    return PaidClaim(
        segment=segment.number,
        account=segment.at(1),
        code=segment.at(2),
        charge=money(segment, 3, findings),
        paid=money(segment, 4, findings),
        share=money(segment, 5, findings),
        filing=segment.at(6),
        payer_claim=segment.at(7),
        place=segment.at(8),
        frequency=segment.at(9),
    )


def _read_claim(claim: PaidClaim, segment: Segment, findings: Findings) -> None:
    """A segment after CLP, or after the claim's SVC: what both may have goes to the last line."""
    name = segment.id
    if name == "SVC":
        claim.lines.append(_line(segment, findings))
    elif read := CLAIM_OR_LINE.get(name):
        read(claim.lines[-1] if claim.lines else claim, segment, findings)
    elif name == "NM1":
        person = Party(
            role=segment.at(1), last=segment.at(3), first=segment.at(4), middle=segment.at(5), suffix=segment.at(7),
            id=segment.at(9),
        )  # fmt: skip
        claim.parties.append(person)
    elif name in ("MOA", "MIA"):
        elements = range(3, 8) if name == "MOA" else (5, 20, 21, 22, 23)
        claim.remarks += [remark for element in elements if (remark := segment.at(element))]


def _line(segment: Segment, findings: Findings) -> PaidLine:
    qualifier, procedure, *rest = [*segment.components(1), "", ""]
    if not procedure:
        findings.add(segment.place(1), "composite")
    return PaidLine(
        segment=segment.number,
        qualifier=qualifier,
        procedure=procedure,
        modifiers=[modifier for modifier in rest[:4] if modifier],
        sent=(segment.components(6)[1:2] or [""])[0],
        charge=money(segment, 2, findings),
        paid=money(segment, 3, findings),
        units=quantity(segment, 5, findings),
        units_sent=quantity(segment, 7, findings),
    )


def _adjustments(owner: PaidClaim | PaidLine, segment: Segment, findings: Findings) -> None:
    group = segment.at(1)
    for element in range(2, min(len(segment.parts), LAST_ADJUSTMENT), 3):
        reason, amount = segment.at(element), segment.at(element + 1)
        if bool(reason) != bool(amount):
            findings.add(segment.place(element), "adjustment")
        if reason or amount:
            taken = money(segment, element + 1, findings)
            number = quantity(segment, element + 2, findings)
            owner.adjustments.append(Adjustment(group=group, reason=reason, amount=taken, quantity=number))


def _reference(owner: PaidClaim | PaidLine, segment: Segment, findings: Findings) -> None:
    if isinstance(owner, PaidLine) and segment.at(1) == "6R":
        owner.reference = segment.at(2)


def _amount(owner: PaidClaim | PaidLine, segment: Segment, findings: Findings) -> None:
    if segment.at(1) == ("B6" if isinstance(owner, PaidLine) else "AU"):
        owner.allowed = money(segment, 2, findings)


def _date(owner: PaidClaim | PaidLine, segment: Segment, findings: Findings) -> None:
    if isinstance(owner, PaidLine) and segment.at(1) in ("150", "151", "472"):
        found = day(segment, 2, findings)
        if segment.at(1) != "151":
            owner.first_day = found
        if segment.at(1) != "150":
            owner.last_day = found


def _remark(owner: PaidClaim | PaidLine, segment: Segment, findings: Findings) -> None:
    if remark := segment.at(2):
        owner.remarks.append(remark)


CLAIM_OR_LINE: dict[str, Callable[[PaidClaim | PaidLine, Segment, Findings], None]] = {
    "CAS": _adjustments,
    "REF": _reference,
    "AMT": _amount,
    "DTM": _date,
    "LQ": _remark,
}


def _provider_adjustments(segment: Segment, findings: Findings) -> Iterator[ProviderAdjustment]:
    for element in PROVIDER_ADJUSTMENTS:
        reason, *reference = segment.components(element) or [""]
        if reason or segment.at(element + 1):
            yield ProviderAdjustment(
                segment=segment.number,
                provider=segment.at(1),
                reason=reason,
                reference="".join(reference[:1]),
                amount=money(segment, element + 1, findings),
            )
