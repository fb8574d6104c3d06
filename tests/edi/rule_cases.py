"""For every rule: claims that it lets pass, and claims that it refuses. By the rule's code."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from claims.edi.claims import (
    Accident,
    Address,
    Adjustment,
    Kind,
    Name,
    OtherPayer,
    Payer,
    Provider,
    Subscriber,
    Transport,
)  # fmt: skip
from tests.edi.made import TODAY
from tests.edi.plain import (
    ADDRESS,
    PLAIN,
    PROVIDER,
    Change,
    billing,
    both,
    child,
    claim,
    line,
    lines,
    payer,
    subscriber,
)

AS_IT_IS = claim()
NONMED = claim(kind=Kind.NONMED)
TOMORROW = TODAY + timedelta(days=1)
FACILITY = Provider(
    name=Name(last="Eastside", organisation=True), npi="1245319599",
    address=Address(street="9 Bay St", city="Fresno", state="CA", zip_code="937210009"),
)  # fmt: skip
MEDICARE = OtherPayer(
    payer=Payer(name="Medicare", payer_id="SMCA0"), paid=Decimal(100), paid_on=TODAY,
    subscriber=Subscriber(member_id="1EG4TE5MK72", name=Name(last="Zapata", first="Eva"), filing="MB"),
    adjustments=(Adjustment(group="CO", reason="45", amount=Decimal("37.50")),),
)  # fmt: skip


def at_billing(**changes: str) -> Change:
    return billing(address=replace(PLAIN.billing.address, **changes))


def at_home(**changes: str) -> Change:
    return subscriber(address=replace(ADDRESS, **changes))


def facility(**changes: Any) -> Change:
    return claim(facility=replace(FACILITY, **changes))


def other(**changes: Any) -> Change:
    return both(subscriber(sequence="S"), claim(other_payers=(replace(MEDICARE, **changes),)))


def moved(**changes: Any) -> Change:
    return claim(transport=Transport(pick_up=ADDRESS, drop_off=ADDRESS, **changes))


def accident(**changes: Any) -> Change:
    return claim(accident=Accident(on=date(2026, 2, 1), **changes))


def icd(*codes: str) -> Change:
    return claim(diagnoses=codes)


PARTIES: dict[str, tuple[list[Change], list[Change]]] = {
    "npi": (
        [AS_IT_IS, billing(npi="1245319599"), claim(referring=PROVIDER)],
        [
            billing(npi="1245319598"), billing(npi="3245319599"), billing(npi="124531959"),
            claim(rendering=replace(PROVIDER, npi="1245319598")), claim(referring=replace(PROVIDER, npi="1245319598")),
            claim(supervising=replace(PROVIDER, npi="X")), facility(npi="1245319598"),
        ],
    ),
    "atypical": (
        [both(NONMED, billing(npi=""), payer(provider_number="ATYP1")), NONMED],
        [billing(npi=""), both(NONMED, billing(npi=""))],
    ),
    "tax_id": (
        [AS_IT_IS, billing(tax_id_kind="SY")],
        [billing(tax_id="91-2345678"), billing(tax_id="91234567"), billing(tax_id="0" * 9), billing(tax_id_kind="0B")],
    ),
    "taxonomy": (
        [billing(taxonomy="207Q00000X"), claim(rendering=replace(PROVIDER, taxonomy="3747P1801X"))],
        [
            billing(taxonomy="207Q00000"), billing(taxonomy="207q00000x"),
            claim(rendering=replace(PROVIDER, taxonomy="X")),
        ],
    ),
    "po_box": (
        [
            at_billing(street="16 Boxwood Ct"), at_billing(street="4 Post Oak Dr"),
            billing(pay_to=replace(ADDRESS, street="PO Box 1")),
        ],
        [at_billing(street=text) for text in ("P.O. Box 17", "po box 17", "P O BOX17", "Post Office Box 3", "Box 9")]
        + [at_billing(street_2="PO Box 17")],
    ),
    "addresses": (
        [at_home(zip_code="93721"), at_home(zip_code="937210001"), child(), facility(), at_home(state="PR")],
        [
            at_billing(zip_code="93721"), at_home(zip_code="9372"), at_home(zip_code="93721-0001"), at_home(state="ca"),
            at_home(state="ZZ"), at_home(street="#"), at_home(city="F"), child(address=replace(ADDRESS, zip_code="1")),
            facility(address=replace(ADDRESS, street="9 Bay St")), billing(pay_to=replace(ADDRESS, state="")),
            claim(transport=Transport(pick_up=ADDRESS, drop_off=replace(ADDRESS, zip_code=""))),
        ],
    ),
    "phone": (
        [billing(phone="5595550100")],
        [
            billing(phone="15595550100"), billing(phone="559-555-0100"), billing(phone="5550100"),
            billing(phone="1595550100"),
        ],
    ),
    "names": (
        [subscriber(name=Name(last="  Muñoz~", first="josé")), payer(name="Médi-Cal")],
        [
            subscriber(name=Name(last="李", first="Li")), subscriber(name=Name(last="Li")), child(name=Name(last="Li")),
            claim(referring=replace(PROVIDER, name=Name(last="*", first="A"))), payer(name=" "),
        ],
    ),
    "identifiers": (
        [subscriber(member_id="W-1/2 3"), claim(authorisation="PA 77")],
        [
            subscriber(member_id="w123456789"), subscriber(member_id=" W123456789"), subscriber(member_id="W12*345"),
            subscriber(member_id="W"), payer(provider_number="a1"), subscriber(group_number="G:1"),
            claim(authorisation="PA~1"), claim(referral="rf"), both(claim(frequency="7"), claim(original="ICN  1")),
            claim(record="M" * 51), claim(laboratory="05d"),
        ],
    ),
    "subscriber_self": (
        [AS_IT_IS, both(child(), subscriber(address=None, birth_date=None, sex=""))],
        [subscriber(address=None), subscriber(birth_date=None), subscriber(sex="")],
    ),
    "relationship": ([child(), child(relationship="G8")], [child(relationship="18"), child(relationship="")]),
    "sex": ([subscriber(sex="U"), child(sex="F")], [subscriber(sex="f"), child(sex="X")]),
    "coverage": (
        [subscriber(filing="MB"), other(), both(other(), subscriber(filing="MB", secondary_type="12"))],
        [
            subscriber(filing="XX"), subscriber(sequence="X"), subscriber(secondary_type="12"),
            subscriber(sequence="S"), subscriber(filing="MB", secondary_type="99"),
        ],
    ),
    "payer": ([AS_IT_IS, payer(payer_id="SB580")], [payer(payer_id="99999"), payer(payer_id="NOTYET")]),
    "one_payer": (
        [other()],
        [both(other(), subscriber(sequence="P")), other(payer=Payer(name="Aetna", payer_id="60054"))],
    ),
    "facility": (
        [facility()],
        [facility(npi=PLAIN.billing.npi), facility(address=PLAIN.billing.address), facility(address=None)],
    ),
    "other_payer": (
        [other(), other(relationship="01"), other(paid=None, paid_on=None, adjustments=())],
        [
            other(claim_number="icn"), other(relationship="99"), other(payer=Payer(name="", payer_id="SMCA0")),
            other(subscriber=replace(MEDICARE.subscriber, member_id="1*")),
            other(adjustments=(Adjustment(group="XX", reason="45", amount=Decimal("37.50")),)),
            other(adjustments=(Adjustment(group="CO", reason="45", amount=Decimal("37.499")),)),
        ],
    ),
    "other_balance": (
        [other(), other(paid=None, paid_on=None, adjustments=())],
        [other(paid=Decimal(99)), other(adjustments=()), other(paid_on=None)],
    ),
    "transport": (
        [moved(), moved(reason="A", miles=Decimal("4.5"))],
        [moved(reason="A"), moved(reason="Z", miles=Decimal(1))],
    ),
}  # fmt: skip

SERVICES: dict[str, tuple[list[Change], list[Change]]] = {
    "control": (
        [claim(control="A1")],
        [claim(control=text) for text in ("NW0000000000012", "nw1", "NW-1", "", " NW1")],
    ),
    "open_batch": ([AS_IT_IS], [claim(control="OPEN1")]),
    "total": ([AS_IT_IS, line(charge=Decimal(0))], [claim(charge=Decimal(137)), claim(charge=Decimal("137.51"))]),
    "frequency": (
        [claim(frequency="6"), claim(frequency="7", original="ICN1")],
        [claim(frequency="2"), claim(frequency=""), claim(frequency="01")],
    ),
    "original": (
        [claim(frequency="8", original="ICN1")],
        [claim(frequency="7"), claim(frequency="8"), claim(original="ICN1")],
    ),
    "place": ([claim(place="02"), line(place="12")], [claim(place="1"), claim(place="00"), line(place="98")]),
    "answers": (
        [claim(assignment="C", benefits="N", release="I")],
        [claim(assignment="Y"), claim(benefits=""), claim(release="N")],
    ),
    "accident": (
        [accident(cause="AA", state="CA"), accident(cause="EM")],
        [accident(cause="AA"), accident(cause="XX"), accident(cause="OA", state="ca")],
    ),
    "authorisation": ([claim(authorisation="A1", referral="A2")], [claim(authorisation="A1", referral="A1")]),
    "patient_paid": (
        [claim(patient_paid=Decimal("20.25"))],
        [claim(patient_paid=Decimal(-1)), claim(patient_paid=Decimal("1.005"))],
    ),
    "diagnoses": (
        [icd("E119"), icd(*(f"A{at}" for at in range(10, 22))), both(NONMED, icd("Z7409"))],
        [icd("E119", "E119"), icd(*(f"A{at}" for at in range(10, 23)))],
    ),
    "icd": (
        [icd("S72001A"), icd("Z3A01"), icd("C7A010"), icd("U071"), icd("V2700XA"), icd("I10")],
        [icd(text) for text in ("25000", "V270", "E9068", "E11.9", "e119", "E1", "ABCDE", "E1190000", "", "E 119")],
    ),
    "birth": (
        [subscriber(birth_date=date(2026, 2, 20)), child()],
        [
            subscriber(birth_date=date(2026, 2, 21)), subscriber(birth_date=TOMORROW),
            child(birth_date=date(2026, 2, 21)),
        ],
    ),
    "events": (
        [claim(onset=TODAY), claim(admitted=TODAY, discharged=TODAY), claim(admitted=date(2026, 2, 1))],
        [
            claim(onset=TOMORROW), claim(accident=Accident(cause="OA", on=TOMORROW)), claim(discharged=TODAY),
            claim(admitted=TODAY, discharged=date(2026, 2, 28)), claim(admitted=TOMORROW),
        ],
    ),
    "filing_window": (
        [
            line(begins=TODAY - timedelta(days=365)),
            both(line(begins=date(2020, 1, 1)), claim(frequency="7", original="I1")),
        ],
        [line(begins=TODAY - timedelta(days=366)), lines({}, {"begins": date(2025, 1, 1)})],
    ),
    "edits": (
        [icd("O0900"), child(birth_date=date(2026, 2, 20)), both(child(birth_date=date(2026, 2, 19)), icd("Z3800"))],
        [both(subscriber(sex="M"), icd("O0900")), both(subscriber(sex="M"), icd("Z3400")), icd("Z3800")],
    ),
    "number_of_lines": (
        [lines(*({"begins": TODAY - timedelta(days=at)} for at in range(50)))],
        [lines(*({"begins": TODAY - timedelta(days=at)} for at in range(51))), lines()],
    ),
    "line_controls": (
        [lines({}, {"modifiers": ("76",)}), line(control="K" * 30)],
        [
            lines({"control": "K1"}, {"control": "K1", "modifiers": ("76",)}), line(control="K" * 31),
            line(control="k1"), line(control=""),
        ],
    ),
    "duplicate_service": (
        [
            lines({}, {"procedure": "99214"}), lines({}, {"begins": date(2026, 2, 19)}),
            *(lines({}, {"modifiers": (modifier,)}) for modifier in ("25", "59", "76", "77", "91")),
        ],
        [lines({}, {}), lines({"modifiers": ("U1", "U2")}, {"modifiers": ("U2", "U1")}), line(begins=date(2026, 1, 7))],
    ),
    "procedure": (
        [line(procedure=text) for text in ("99213", "0001F", "0202U", "T1019", "A0130")]
        + [line(procedure="64999", description="Repair")],
        [line(procedure=text) for text in ("9921", "992133", "t1019", "W1019", "9921X", "64999", "E1399", "")],
    ),
    "modifiers": (
        [line(modifiers=("U1", "25", "GP", "59"))],
        [line(modifiers=("U",)), line(modifiers=("u1",)), line(modifiers=("U1", "U2", "U3", "U4", "U5"))],
    ),
    "charge": (
        [line(charge=Decimal(0)), line(charge=Decimal("99999999.99"))],
        [line(charge=Decimal(text)) for text in ("-0.01", "1.005", "100000000", "NaN", "1E40")],
    ),
    "units": (
        [line(quantity=Decimal("0.125")), line(unit="MJ", quantity=Decimal(45))],
        [line(quantity=Decimal(text)) for text in ("0", "-1", "0.1255", "NaN", "1E40")] + [line(unit="DA")],
    ),
    "pointers": (
        [line(pointers=(2, 1))],
        [
            line(pointers=()), line(pointers=(3,)), line(pointers=(0,)), line(pointers=(1, 1)),
            line(pointers=(1, 2, 1, 2, 1)),
        ],
    ),
    "dates": (
        [line(begins=TODAY), line(begins=date(2026, 2, 20), ends=date(2026, 2, 26))],
        [
            line(begins=date(2026, 2, 20), ends=date(2026, 2, 19)), line(begins=TOMORROW),
            line(begins=TODAY, ends=TOMORROW),
        ],
    ),
    "drug": (
        [line(ndc="00409610204", ndc_quantity=Decimal("1.5"), ndc_unit="ML")],
        [
            line(ndc="0409-6102-04", ndc_quantity=Decimal(1)), line(ndc="00409610204"),
            line(ndc="00409610204", ndc_quantity=Decimal(1), ndc_unit="XX"),
        ],
    ),
}  # fmt: skip
CASES = {**PARTIES, **SERVICES}
