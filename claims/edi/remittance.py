"""A remittance as data. Amounts are dollars; what is about a person is left out of repr, and so of logs."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Difference:
    """What should be equal and is not. `rule`: line, claim, charges or share (a warning); `amount`: by how much."""

    segment: int
    rule: str
    amount: Decimal


@dataclass(slots=True, kw_only=True)
class Adjustment:
    """Group (CO, PR, OA, PI), reason (CARC), what is taken off; verbatim."""

    group: str
    reason: str
    amount: Decimal
    quantity: Decimal | None


@dataclass(slots=True, kw_only=True)
class PaidLine:
    """A line as it was adjudicated. `reference`: our line control number, REF 6R, the only key to post it by.

    `sent`: the code that we sent, where the payer changed it (SVC06).
    """

    segment: int
    qualifier: str
    procedure: str
    modifiers: list[str]
    sent: str
    charge: Decimal
    paid: Decimal
    units: Decimal | None
    units_sent: Decimal | None
    reference: str = ""
    allowed: Decimal | None = None
    first_day: date | None = None
    last_day: date | None = None
    adjustments: list[Adjustment] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Party:
    """NM1 of a claim. `role`: QC patient, IL insured, 74 corrected name, 82 rendering, TT crossover payer."""

    role: str
    last: str = field(repr=False)
    first: str = field(repr=False)
    middle: str = field(default="", repr=False)
    suffix: str = field(default="", repr=False)
    id: str = field(repr=False)


@dataclass(slots=True, kw_only=True)
class PaidClaim:
    """`account`: CLP01, our CLM01. `share`: CLP05, what the patient owes. `differences`: where it does not balance."""

    segment: int
    account: str
    code: str
    charge: Decimal
    paid: Decimal
    share: Decimal
    filing: str
    payer_claim: str
    place: str
    frequency: str
    allowed: Decimal | None = None
    parties: list[Party] = field(default_factory=list, repr=False)
    adjustments: list[Adjustment] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    lines: list[PaidLine] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    warnings: list[Difference] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class ProviderAdjustment:
    """PLB: of no claim. Positive takes from the payment, negative adds to it."""

    segment: int
    provider: str
    reason: str
    reference: str
    amount: Decimal


@dataclass(slots=True, kw_only=True)
class Payment:
    """The head of a set. `originator` and `trace` (TRN03, TRN02) name a payment, whatever file it comes in."""

    segment: int
    handling: str = ""  # BPR01: I payment, H notice, D data apart from the money
    total: Decimal = ZERO
    method: str = ""  # BPR04
    paid_on: date | None = None
    trace: str = ""
    originator: str = ""
    payer: str = ""
    payer_id: str = ""
    payee: str = ""
    payee_id: str = ""
    produced_on: date | None = None


@dataclass(slots=True, kw_only=True)
class PaymentEnd:
    """The sums of a set, and whether it may be posted: whole, legible and balanced (edi.md 6.5).

    `difference`: what the claims paid, less provider adjustments, less the payment. `differences`: the first of those
    within claims, `unbalanced`: how many claims have any. `shares`: claims whose patient share is not that of their PR
    adjustments, a warning. `headed`: it has an amount and a trace. `legible`: every amount is a number.
    """

    segment: int
    claims: int
    lines: int
    charged: Decimal
    paid: Decimal
    adjusted: Decimal
    total: Decimal
    unbalanced: int
    shares: int
    differences: list[Difference]
    headed: bool
    legible: bool
    whole: bool

    @property
    def difference(self) -> Decimal:
        return self.paid - self.adjusted - self.total

    @property
    def faults(self) -> list[str]:
        """Why it may not be posted: empty where it may."""
        found = {
            "no amount or trace": not self.headed,
            "cut off": not self.whole,
            "amount that is no number": not self.legible,
            "payment does not balance": bool(self.difference),
            "claims do not balance": bool(self.unbalanced),
        }
        return [fault for fault, is_so in found.items() if is_so]

    @property
    def postable(self) -> bool:
        return not self.faults
