"""835: what each claim was paid, and whether the payment may be posted at all. Source: edi.md 6.4 and 6.5.

A payment is judged when it was read to its end, before anything of it is written.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import chain
from typing import Any

from billing.reading.said import Json, Statement, kept, kept_amount, key_of
from billing.reading.scope import Reading
from billing.reading.unbalanced import CLAIMS_SHOWN, unbalanced
from claims.edi.adjudication import adjudicated
from claims.edi.balance import all_adjustments
from claims.edi.envelope import Transaction
from claims.edi.remittance import Adjustment, PaidClaim, PaidLine, Payment, PaymentEnd, ProviderAdjustment

KIND = "835"
MOST = Decimal(10) ** 11  # of one amount, so that their sums fit
DOLLAR, CENT = Decimal(1), Decimal("0.01")
NOT_DOLLARS = "amounts beyond cents, or too large"
NAME_TOO_LONG = "trace too long"
PLB_SHOWN = 500
HELD = 10_000  # claims of one payment, the most that X12 asks payers for; some 3 KB each


@dataclass(kw_only=True, slots=True)
class Judged:
    """A payment as far as it was read; `end` once it was to its end. `originator` and `trace` name it. `held`: its
    claims, for writing them; None of a payment that has too many to be held. `unbalanced`: the first that do not.
    `said`: Σ of the claims' digests. `apart`: of a notice that is written, its digest: by its trace it is not known."""

    originator: str = ""
    trace: str = ""
    head: Payment = field(default_factory=lambda: Payment(segment=0))
    end: PaymentEnd | None = None
    adjustments: list[list[str]] = field(default_factory=list)
    dollars: bool = True
    claims: int = 0
    held: list[PaidClaim] | None = field(default_factory=list, repr=False)
    unbalanced: list[Json] = field(default_factory=list)
    said: int = 0
    apart: str = ""

    @property
    def is_notice(self) -> bool:
        """No money moved, so that its trace is the number of no cheque or transfer."""
        return not self.head.total

    @property
    def digest(self) -> str:
        """The same for what says the same of the same claims (CLP01, 02, 04), in whatever order, on the same day."""
        head = self.head
        amounts = (kept_amount(head.total), self.claims, self.said % 2**256)
        return key_of(*amounts, head.paid_on, kept(head.payee_id, 80))

    @property
    def name(self) -> str:
        return f"{self.originator} {self.trace}"

    @property
    def day(self) -> str:
        """The day of payment, ISO, by which payments follow each other."""
        found: date | None = self.head.paid_on or self.head.produced_on
        return found.isoformat() if found else ""

    @property
    def faults(self) -> list[str]:
        """Why nothing of it is posted; empty where it may be."""
        found = list(self.end.faults) if self.end else ["cut off"]
        if not self.dollars:
            found.append(NOT_DOLLARS)
        if len(self.head.trace) > 50 or len(self.head.originator or self.head.payer_id) > 30:
            found.append(NAME_TOO_LONG)
        return found

    def begin(self, head: Payment) -> None:
        self.head = head
        self.originator = kept(head.originator or head.payer_id, 30)
        self.trace = kept(head.trace, 50)
        self.dollars = self.dollars and _is_money(head.total)

    def judge(self, claim: PaidClaim, start: int) -> None:
        """`start`: the segment of its set's ST."""
        self.dollars = self.dollars and all(map(_is_money, _amounts(claim)))
        self.said += int(key_of(claim.account, claim.code, kept_amount(claim.paid)), 16)
        if claim.differences and len(self.unbalanced) < CLAIMS_SHOWN:
            self.unbalanced.append(unbalanced(claim, start))
        if self.held is not None:
            self.held.append(claim)
            if len(self.held) > HELD:
                self.held = None

    def held_records(self) -> Iterable[Payment | PaidClaim] | None:
        """The payment and its claims as they were read, if they are held."""
        return None if self.held is None else chain((self.head,), self.held)


def from_835(
    reading: Reading, transaction: Transaction, said: Iterable[Any], judged: Judged, *, told: bool
) -> Iterator[Statement]:
    """A statement for each CLP; while it is judged, with nothing but its reference. `judged` is filled on the way."""
    for record in said:
        if isinstance(record, Payment):
            judged.begin(record)
        elif isinstance(record, PaidClaim):
            judged.claims += 1
            if told:
                yield _of_claim(reading, record, judged, transaction)
            else:
                judged.judge(record, transaction.segment)
                yield _named(record)
        elif isinstance(record, ProviderAdjustment):
            judged.dollars = judged.dollars and _is_money(record.amount)
            if len(judged.adjustments) < PLB_SHOWN:
                reference = kept(record.reference, 50)
                judged.adjustments.append([kept(record.reason, 3), reference, str(record.amount)])
        elif isinstance(record, PaymentEnd):
            judged.end = record
            judged.dollars = judged.dollars and all(map(_is_money, (record.paid, record.adjusted)))


def _named(claim: PaidClaim) -> Statement:
    return Statement(kind=KIND, key="", reference=claim.account)


def _is_money(amount: Decimal) -> bool:
    """Whether a money column holds it to the cent."""
    usual = amount.same_quantum(CENT) or amount.same_quantum(DOLLAR)
    return -MOST < amount < MOST and (usual or amount == round(amount, 2))


def _amounts(claim: PaidClaim) -> Iterator[Decimal]:
    yield from (claim.charge, claim.paid, claim.share)
    yield from (line.paid for line in claim.lines)
    yield from (each.amount for each in all_adjustments(claim))


def _of_claim(reading: Reading, claim: PaidClaim, judged: Judged, transaction: Transaction) -> Statement:
    """Named by the payment and its place in it. The lines and adjustments are kept word for word."""
    found = adjudicated(claim, reading.reasons)
    return Statement(
        kind=KIND,
        reference=claim.account,
        key=key_of(KIND, judged.originator, judged.trace, *filter(None, (judged.apart,)), judged.claims),
        state=found.state,
        segment=max(0, claim.segment - transaction.segment + 1),
        code=claim.code,
        says=f"{found.denied_lines} of {len(claim.lines)} lines denied." if found.denied_lines else "",
        day=judged.day,
        payment=judged.name,
        paid=found.paid,
        share=found.share,
        amount=claim.paid,
        test=transaction.usage == "T",
        detail={
            "charge": str(claim.charge),
            "share": str(claim.share),
            "contractual": str(found.contractual),
            "denied": str(found.denied),
            **_given(
                payer_claim=kept(claim.payer_claim, 50),
                filing=kept(claim.filing, 2),
                frequency=kept(claim.frequency, 1),
                adjustments=_adjustments(claim.adjustments),
                remarks=[kept(remark, 50) for remark in claim.remarks],
                lines=[_line(line) for line in claim.lines],
                warnings=[[warning.rule, str(warning.amount)] for warning in claim.warnings],
            ),
        },
    )


def _line(line: PaidLine) -> Json:
    return {
        "control": kept(line.reference, 30),
        "procedure": kept(line.procedure, 48),
        "charge": str(line.charge),
        "paid": str(line.paid),
        **_given(
            modifiers=[kept(modifier, 2) for modifier in line.modifiers],
            sent=kept(line.sent, 48),
            units=_text(line.units),
            units_sent=_text(line.units_sent),
            allowed=_text(line.allowed),
            adjustments=_adjustments(line.adjustments),
            remarks=[kept(remark, 50) for remark in line.remarks],
        ),
    }


def _adjustments(adjustments: Iterable[Adjustment]) -> list[list[str | None]]:
    """[[group, reason, amount, quantity], …]."""
    return [[kept(each.group, 2), kept(each.reason, 5), str(each.amount), _text(each.quantity)] for each in adjustments]


def _text(number: Decimal | None) -> str | None:
    return None if number is None else str(number)


def _given(**values: Any) -> Json:
    return {name: value for name, value in values.items() if value}
