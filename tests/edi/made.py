"""Made-up claims that may be sent, of both kinds, with every situational loop that the writer knows.

Random by what is passed in: a seeded Random for many, Hypothesis' own for examples that shrink.
"""

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from random import Random
from typing import Any

from hypothesis import strategies as st

from claims.edi.claims import (
    Accident,
    Address,
    Adjustment,
    Billing,
    Claim,
    Dependant,
    Kind,
    Line,
    Name,
    OtherPayer,
    Payer,
    Provider,
    Subscriber,
    Transport,
)  # fmt: skip
from claims.edi.npi import with_check_digit
from claims.edi.outbound import Envelope
from claims.edi.standing import PayerStanding, Standing

TODAY = date(2026, 3, 2)
WHEN = datetime(2026, 3, 2, 14, 5, 9, tzinfo=timezone(timedelta(hours=-8)))
LASTS = (
    "Silva",
    "O'Brien",
    "Muñoz-García",
    "ŁUKASZEWSKI",
    "de la Cruz",
    "Ng",
    "Smith*Jones",
    "Åse~",
    "van  Dyke",
    "Straße",
)
FIRSTS = ("Ana", "josé", "Mary Ann", "Zoë", "D'Angelo", "Li", "Jean-Luc", "Ø")
STREETS = ("12 Main St", "5 Elm Ave: rear", "700 W. 5th", "1 Calle Ñandú", "88 Route 9 & 20", "16 Boxwood Ct")
CITIES = ("Fresno", "Los Ángeles", "San José", "Bell")
STATES = ("CA", "NY", "TX", "PR", "DC")
PAYERS = {
    "60054": PayerStanding(filing_days=365, enrolled=True),
    "MCDCA": PayerStanding(filing_days=180, enrolled=True),
    "SB580": PayerStanding(filing_days=120, enrolled=True),
}
STANDING = Standing(today=TODAY, payers=PAYERS)
DIAGNOSES = (
    "E119",
    "I10",
    "Z7409",
    "R269",
    "F840",
    "S72001A",
    "C7A010",
    "M5450",
    "Z993",
    "U071",
    "G809",
    "W19XXXA",
    "J449",
)
MEDICAL = (("99213", ()), ("99214", ("25",)), ("97110", ("GP",)), ("J1885", ()), ("0001F", ()), ("87426", ("QW", "59")))
NON_MEDICAL = (("T1019", ("U1",)), ("S5125", ()), ("S5130", ("UD", "TT")), ("S5150", ()), ("T2003", ()), ("A0130", ()))
CLINIC = Address(street="9 Clinic Way", city="Visalia", state="CA", zip_code="932910009")
TAXONOMIES = {
    Kind.MED: ("207Q00000X", "2084P0800X", "1041C0700X"),
    Kind.NONMED: ("3747P1801X", "253Z00000X", "343900000X"),
}


def envelope(kind: Kind, control: int = 1, *, line_break: str = "\n", claims_per_set: int = 5_000) -> Envelope:
    return Envelope(
        kind=kind, control=control, when=WHEN, test=True, sender="NIGHTWARD", receiver="330897513",
        receiver_qualifier="ZZ", group_sender="NIGHTWARD", group_receiver="OA", submitter="Nightward Clinic",
        submitter_id="NW0001", contact="Billing desk", phone="5595550100", receiver_name="Office Ally",
        receiver_id="330897513", line_break=line_break, claims_per_set=claims_per_set,
    )  # fmt: skip


def claim(random: Random, kind: Kind, number: int = 1) -> Claim:
    """The `number`th claim of a batch. Four in a row are one member's: its own, or of one of two dependants."""
    family = Random(number // 4)
    member, children = subscriber(family, number // 4), (dependant(family), dependant(family))
    billing = billing_provider(random if random.random() < 0.3 else family, kind)
    codes = tuple(random.sample(DIAGNOSES, random.randint(1, 12)))
    lines = tuple(_line(random, kind, number, at, len(codes)) for at in range(1, random.choice((1, 1, 2, 3, 5)) + 1))
    payer = Payer(
        name=family.choice(("Aetna", "Médi-Cal", "Blue Shield of CA")), payer_id=family.choice(sorted(PAYERS)),
        provider_number="" if billing.npi else "ATYP00042",
    )  # fmt: skip
    frequency = random.choice("1111678")
    plain = Claim(
        kind=kind, control=f"N{number:09d}", billing=billing, payer=payer, subscriber=member,
        patient=random.choice((None, *children)), place=random.choice(("11", "12", "22", "99")),
        charge=sum((line.charge for line in lines), Decimal(0)),
        diagnoses=codes, lines=lines, frequency=frequency, original=f"ICN{number:08d}" if frequency in "78" else "",
    )  # fmt: skip
    return _with_situations(random, plain)


def claims(kind: Kind, number: int, *, seed: int = 1) -> list[Claim]:
    """The same for the same arguments."""
    random = Random(seed)
    return [claim(random, kind, at) for at in range(1, number + 1)]


@st.composite
def batches(draw: st.DrawFn, kind: Kind) -> list[Claim]:
    """One to six claims of a kind; some of them of one member."""
    random = draw(st.randoms(use_true_random=False))
    return [claim(random, kind, at) for at in range(1, draw(st.integers(1, 6)) + 1)]


def _with_situations(random: Random, plain: Claim) -> Claim:
    """The claim with some of what is needed only now and then."""
    situations: list[dict[str, Any]] = [
        {"accident": Accident(cause=random.choice(("AA", "EM", "OA")), on=date(2025, 12, 1), state="CA")},
        {"onset": date(2025, 12, 2), "note": "see report: 5 * pages", "patient_paid": Decimal("0.5")},
        {"admitted": date(2025, 12, 3), "discharged": date(2025, 12, 9), "record": f"MRN{random.randint(1, 10**6)}"},
        {"authorisation": f"PA{random.randint(1, 10**8)}", "referral": f"RF{random.randint(1, 10**8)}"},
        {"referring": Provider(name=person(random), npi=npi(random)), "laboratory": "05D1234567"},
        {"rendering": Provider(name=person(random), npi=npi(random), taxonomy="207R00000X")},
        {"facility": Provider(name=organisation("Eastside Clinic"), npi=npi(random), address=CLINIC)},
        {"supervising": Provider(name=person(random), npi=npi(random))},
        {"other_payers": (_other_payer(random, plain.charge),), "subscriber": replace(plain.subscriber, sequence="S")},
        {"transport": Transport(pick_up=address(random), drop_off=address(random), reason="A", miles=Decimal("4.5"))},
    ]
    chosen = random.sample(situations, random.choice((0, 0, 1, 2, 4)))
    return replace(plain, **{name: value for one in chosen for name, value in one.items()})


def _other_payer(random: Random, charge: Decimal) -> OtherPayer:
    """Medicare, which has paid what up to sixteen adjustments left of the charge."""
    part = (charge / 100).quantize(Decimal("0.01"))
    adjustments = tuple(
        Adjustment(group="CO" if at < 8 else "PR", reason=str(45 + at), amount=part) for at in range(16)
    )
    kept = adjustments[: random.randint(0, 16)]
    return OtherPayer(
        payer=Payer(name="Medicare", payer_id="SMCA0"), relationship=random.choice(("18", "01", "19")),
        subscriber=Subscriber(member_id=f"1EG4TE{random.randint(1, 9)}", name=person(random), filing="MB"),
        paid=charge - part * len(kept), paid_on=TODAY - timedelta(days=3), adjustments=kept, claim_number="ICN77",
    )  # fmt: skip


def _line(random: Random, kind: Kind, of: int, number: int, diagnoses: int) -> Line:
    """On a day on which no other claim of the same member has a line."""
    procedure, modifiers = random.choice(MEDICAL if kind == Kind.MED else NON_MEDICAL)
    begins = TODAY - timedelta(days=10 * number + of % 4 * 2 + random.randint(0, 1))
    minutes = kind == Kind.MED and random.random() < 0.1
    return Line(
        control=f"L{number}", procedure="00100" if minutes else procedure, modifiers=() if minutes else modifiers,
        charge=Decimal(random.choice((0, 1, 75, 13_750, 24_000, 99_999_999))) / 100,
        unit="MJ" if minutes else "UN",
        quantity=random.choice((Decimal(1), Decimal(45) if minutes else Decimal("2.5"), Decimal(96))),
        place=random.choice(("", "", "12", "41")),
        pointers=tuple(random.sample(range(1, diagnoses + 1), min(diagnoses, random.randint(1, 4)))),
        begins=begins, ends=random.choice((None, begins, begins + timedelta(days=1))), emergency=random.random() < 0.1,
        ndc="00409610204" if procedure == "J1885" else "", ndc_quantity=Decimal("1.5"), ndc_unit="ML",
        note=random.choice(("", "", "left side")), description=random.choice(("", "", "by the hour")),
    )  # fmt: skip


def billing_provider(random: Random, kind: Kind) -> Billing:
    """One of three of a kind. The third of the non-medical ones is atypical: it has no NPI."""
    which = random.randrange(3)
    atypical = kind == Kind.NONMED and which == 2
    return Billing(
        name=Name(last="Öz", first="Ada") if which == 1 else organisation(f"Care & Co. #{which + 1}"),
        npi="" if atypical else with_check_digit(f"12345678{which}"), tax_id=f"12345678{which}",
        tax_id_kind="SY" if which == 1 else "EI", taxonomy=TAXONOMIES[kind][which],
        address=Address(street=STREETS[which], city="Fresno", state="CA", zip_code="937210001"),
        contact="Front desk" if which else "", phone="" if which == 1 else "5595550101",
        pay_to=Address(street="PO Box 17", city="Fresno", state="CA", zip_code="937210017") if which == 2 else None,
    )  # fmt: skip


def subscriber(random: Random, number: int) -> Subscriber:
    return Subscriber(
        member_id=f"W{number:08d}", name=person(random), address=address(random),
        birth_date=birth_date(random), sex=random.choice("FMU"), group_number=random.choice(("", "G-1001")),
        group_name=random.choice(("", "Påper Mill")), filing=random.choice(("CI", "MC", "BL", "HM", "12", "ZZ")),
    )  # fmt: skip


def dependant(random: Random) -> Dependant:
    return Dependant(
        relationship=random.choice(("01", "19", "20", "21", "39", "40", "53", "G8")), name=person(random),
        address=address(random), birth_date=birth_date(random), sex=random.choice("FMU"),
    )  # fmt: skip


def birth_date(random: Random) -> date:
    return date(1930, 1, 1) + timedelta(days=random.randrange(34_000))


def address(random: Random) -> Address:
    return Address(
        street=random.choice(STREETS), street_2=random.choice(("", "", "APT #5")), city=random.choice(CITIES),
        state=random.choice(STATES), zip_code=random.choice(("93721", "100014321")),
    )  # fmt: skip


def person(random: Random) -> Name:
    return Name(
        last=random.choice(LASTS), first=random.choice(FIRSTS), middle=random.choice(("", "M", "de")),
        suffix=random.choice(("", "", "Jr.")),
    )  # fmt: skip


def organisation(name: str) -> Name:
    return Name(last=name, organisation=True)


def npi(random: Random) -> str:
    return with_check_digit(str(random.randint(100_000_000, 299_999_999)))
