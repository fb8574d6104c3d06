"""A payment as the 835 of who pays says it (005010X221A1). Money is Decimal dollars of either sign, to the cent.

Names and addresses are cleaned when they are written. Identifiers that came with a claim are given back letter for
letter: by them its sender finds it again. What is about a person is left out of repr, and so of logs.
"""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from claims.edi.claims import Address, Adjustment, Name


@dataclass(frozen=True, kw_only=True, slots=True)
class Remitter:
    """Who pays. `tax_id`, nine digits, makes the originator (TRN03), by whom a trace number is unique. `payer_id`: as
    the claims name it. `phone`: ten digits."""

    name: str
    payer_id: str
    tax_id: str
    address: Address
    contact: str
    phone: str

    @property
    def originator(self) -> str:
        return f"1{self.tax_id}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Payee:
    """Who is paid: by NPI, or without one by tax id."""

    name: str
    npi: str = ""
    tax_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class RemittedLine:
    """A line: charge - adjustments = paid. `control`: the sender's REF 6R. `units` paid, and `units_sent` where these
    are others. `allowed` is said and never counted."""

    control: str
    procedure: str
    modifiers: tuple[str, ...] = ()
    charge: Decimal
    paid: Decimal
    units: Decimal | None = None
    units_sent: Decimal | None = None
    begins: date | None = None
    ends: date | None = None
    allowed: Decimal | None = None
    adjustments: tuple[Adjustment, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class RemittedClaim:
    """A claim: charge - its adjustments - its lines' = paid, and charge = the sum of its lines' if it has lines.

    `account`: the sender's CLM01. `number`: the payer's own. `code`: CLP02; `filing`: SBR09 of the claim. `insured`:
    only where it is not the patient, who then has no `member_id`.
    """

    account: str
    code: str = "1"
    charge: Decimal
    paid: Decimal
    filing: str = ""
    number: str
    place: str = ""
    frequency: str = ""
    patient: Name | None = field(default=None, repr=False)
    insured: Name | None = field(default=None, repr=False)
    member_id: str = field(default="", repr=False)
    adjustments: tuple[Adjustment, ...] = ()
    lines: tuple[RemittedLine, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Offset:
    """PLB: of no claim. Positive takes from the payment, negative adds to it."""

    reason: str
    reference: str = ""
    amount: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class Remitted:
    """The head of a payment. `trace`: TRN02, never used twice by one originator."""

    remitter: Remitter
    payee: Payee
    trace: str
    paid_on: date
    produced_on: date
    offsets: tuple[Offset, ...] = ()
