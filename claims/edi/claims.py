"""A professional claim as an 837P says it (005010X222A1). Money is Decimal dollars, dates are plain dates.

Values are as the hospital has them: names and addresses are cleaned when they are written, identifiers never are.
What holds of a claim that may be sent: claims/edi/rules.py.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum


class Kind(StrEnum):
    """Medical and non-medical claims are files of their own [S3-13]."""

    MED = "MED"
    NONMED = "NONMED"


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """In the United States; `zip_code` is digits only, nine of them for the billing provider and a facility."""

    street: str
    street_2: str = ""
    city: str
    state: str
    zip_code: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Name:
    """A person, or with `organisation` the whole name in `last`. No titles."""

    last: str
    first: str = ""
    middle: str = ""
    suffix: str = ""
    organisation: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Billing:
    """Who is paid. Without `npi` it is an atypical provider, which its payer knows by `Payer.provider_number`."""

    name: Name
    npi: str = ""
    tax_id: str
    tax_id_kind: str = "EI"  # or SY, a social security number
    taxonomy: str = ""
    address: Address
    contact: str = ""
    phone: str = ""
    pay_to: Address | None = None  # a PO box is allowed here, and only here


@dataclass(frozen=True, kw_only=True, slots=True)
class Provider:
    """Who refers, renders or supervises; or, with an address, the facility where it was done."""

    name: Name
    npi: str = ""
    taxonomy: str = ""
    address: Address | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Payer:
    """`payer_id` is the clearinghouse's. `provider_number`: what this payer calls the billing provider (REF G2)."""

    name: str
    payer_id: str
    provider_number: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Subscriber:
    """A member of the payer's plan. Address, birth date and sex are needed when the member is the patient.

    `sequence`: P, S or T, this payer's place; `filing`: SBR09, CI, MB, MC …; `secondary_type`: SBR05, Medicare only.
    """

    member_id: str
    name: Name
    address: Address | None = None
    birth_date: date | None = None
    sex: str = ""
    group_number: str = ""
    group_name: str = ""
    filing: str = "CI"
    sequence: str = "P"
    secondary_type: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Dependant:
    """A patient who is insured by the subscriber and has no member id: 01 spouse, 19 child, G8 other …"""

    relationship: str
    name: Name
    address: Address
    birth_date: date
    sex: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Adjustment:
    """Why another payer did not pay an amount: CAS group (CO, PR, OA, PI), reason, dollars."""

    group: str
    reason: str
    amount: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class OtherPayer:
    """Another plan of the patient, with what it paid if it has decided already (`paid_on`)."""

    payer: Payer
    subscriber: Subscriber
    relationship: str = "18"  # of the patient to that plan's subscriber
    paid: Decimal | None = None
    paid_on: date | None = None
    adjustments: tuple[Adjustment, ...] = ()
    claim_number: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Transport:
    """Ambulance and other transport: the reason (CR104, A to E) and the miles only for an ambulance."""

    pick_up: Address
    drop_off: Address
    reason: str = ""
    miles: Decimal = Decimal(0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Accident:
    """`cause`: AA automobile (`state` needed), EM employment, OA other."""

    cause: str
    on: date
    state: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One service. `pointers` count the claim's diagnoses from 1, the first is primary; `control` comes back in the
    835 (REF 6R) and is what a payment is posted by."""

    control: str
    procedure: str
    modifiers: tuple[str, ...] = ()
    description: str = ""
    charge: Decimal
    unit: str = "UN"  # or MJ, minutes of anaesthesia
    quantity: Decimal
    place: str = ""  # only where it is not the claim's
    pointers: tuple[int, ...]
    begins: date
    ends: date | None = None
    emergency: bool = False
    ndc: str = ""
    ndc_quantity: Decimal = Decimal(0)
    ndc_unit: str = "UN"
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """One CLM. `control` (CLM01) is new for every version that is sent; `charge` is what the source says the total is.

    `diagnoses` are ICD-10-CM without the point, principal first. `patient` None: the subscriber. `frequency`: 1
    original, 6 corrected, 7 replacement, 8 void; the last two name the payer's claim in `original`.
    """

    kind: Kind
    control: str
    billing: Billing
    payer: Payer
    subscriber: Subscriber
    patient: Dependant | None = None
    charge: Decimal
    place: str
    frequency: str = "1"
    original: str = ""
    diagnoses: tuple[str, ...]
    lines: tuple[Line, ...]
    signed: bool = True
    assignment: str = "A"
    benefits: str = "Y"
    release: str = "Y"
    accident: Accident | None = None
    onset: date | None = None
    admitted: date | None = None
    discharged: date | None = None
    patient_paid: Decimal = Decimal(0)
    referral: str = ""
    authorisation: str = ""
    laboratory: str = ""  # CLIA
    record: str = ""
    note: str = ""
    referring: Provider | None = None
    rendering: Provider | None = None
    facility: Provider | None = None
    supervising: Provider | None = None
    transport: Transport | None = None
    other_payers: tuple[OtherPayer, ...] = ()

    @property
    def birth_date(self) -> date | None:
        """The patient's."""
        return self.patient.birth_date if self.patient else self.subscriber.birth_date

    @property
    def sex(self) -> str:
        """The patient's."""
        return self.patient.sex if self.patient else self.subscriber.sex
