"""One claim that may be sent, with nothing in it that is not needed, for tests that alter one thing."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from claims.edi.claims import Address, Billing, Claim, Dependant, Kind, Line, Name, Payer, Provider, Subscriber

ADDRESS = Address(street="1 Oak St", city="Fresno", state="CA", zip_code="93721")
PROVIDER = Provider(name=Name(last="Vale", first="Ida"), npi="1245319599")
CHILD = Dependant(
    relationship="19", name=Name(last="Zapata", first="Ben"), address=ADDRESS, birth_date=date(2015, 4, 5), sex="M"
)
LINE = Line(
    control="K1",
    procedure="99213",
    charge=Decimal("137.50"),
    quantity=Decimal(1),
    pointers=(1,),
    begins=date(2026, 2, 20),
)
PLAIN = Claim(
    kind=Kind.MED, control="NW00000000001", charge=Decimal("137.50"), place="11",
    diagnoses=("E119", "I10"), lines=(LINE,),
    billing=Billing(
        name=Name(last="Care Clinic", organisation=True), npi="1234567893", tax_id="912345678",
        address=Address(street="2 Elm St", city="Fresno", state="CA", zip_code="937210001"),
    ),
    payer=Payer(name="Aetna", payer_id="60054"),
    subscriber=Subscriber(
        member_id="W123456789", name=Name(last="Zapata", first="Eva"), address=ADDRESS,
        birth_date=date(1980, 2, 3), sex="F",
    ),
)  # fmt: skip
Change = Callable[[Claim], Claim]


def claim(**changes: Any) -> Change:
    return lambda claim: replace(claim, **changes)


def billing(**changes: Any) -> Change:
    return lambda claim: replace(claim, billing=replace(claim.billing, **changes))


def payer(**changes: Any) -> Change:
    return lambda claim: replace(claim, payer=replace(claim.payer, **changes))


def subscriber(**changes: Any) -> Change:
    return lambda claim: replace(claim, subscriber=replace(claim.subscriber, **changes))


def child(**changes: Any) -> Change:
    return lambda claim: replace(claim, patient=replace(CHILD, **changes))


def lines(*several: dict[str, Any]) -> Change:
    """The line once for each of the changes, with a control number of its own, and their sum as the claim's charge."""

    def change(claim: Claim) -> Claim:
        made = tuple(replace(LINE, **{"control": f"K{at}", **changes}) for at, changes in enumerate(several, 1))
        return replace(claim, lines=made, charge=sum((line.charge for line in made), Decimal(0)))

    return change


def line(**changes: Any) -> Change:
    return lines(changes)


def both(*changes: Change) -> Change:
    def change(claim: Claim) -> Claim:
        for one in changes:
            claim = one(claim)
        return claim

    return change
