"""A source and what is known of it, to claims; or what is missing for them. Nothing here reads the database."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from billing.making.known import Known, Patient
from billing.making.numbers import control_number, line_number
from billing.making.sources import Block, Source
from billing.models import BillingProvider, Charge
from claims.edi.claims import Address, Billing, Claim, Kind, Line, Name, Payer, Subscriber
from claims.edi.rules_services import MOST_LINES

MOST_POINTERS = 4
# What a claim needs of the member, who is the patient (edi.md 5.2, 2010BA), and the payer for whom it is.
NEEDED = ("payer_id", "member_id", "last", "first", "birth_date", "sex", "street", "city", "state", "zip_code")
Missing = tuple[str, str]  # what, key; as of Unclaimable


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """One claim of a source: `part` counts those of its kind from 1. `blocks`: of its lines, in their order."""

    kind: Kind
    part: int
    blocks: tuple[str, ...]
    claim: Claim


def missing(source: Source, known: Known) -> list[Missing]:
    """All that has to be loaded before the source can be claimed; empty if it can be."""
    found = list(_missing_of_patient(source, known))
    if source.department_id not in known.providers:
        found.append(("provider", source.department_id))
    found += [("charge", code) for code in sorted({block.code for block in source.blocks} - set(known.charges))]
    if not known.diagnoses.get(source.case_id):
        found.append(("diagnosis", source.case_id))
    return found


def _missing_of_patient(source: Source, known: Known) -> Iterator[Missing]:
    patient = known.patients.get(source.patient_id)
    if patient is None:
        yield "patient", source.patient_id
        return
    for name in NEEDED:
        if not (patient.payer_id if name == "payer_id" else patient.details.get(name)):
            yield f"patient.{name}", source.patient_id
    if patient.payer_id and patient.payer_id not in known.payers:
        yield "payer", patient.payer_id


def drafts(source: Source, known: Known) -> list[Draft]:
    """The first version of each claim: medical and non-medical services apart, at most 50 lines on each [S3-13].

    The source lacks nothing (`missing`).
    """
    made = []
    for kind in Kind:
        blocks = [block for block in source.blocks if known.charges[block.code].kind == kind]
        for at in range(0, len(blocks), MOST_LINES):
            some = blocks[at : at + MOST_LINES]
            part = at // MOST_LINES + 1
            codes = tuple(block.code for block in some)
            made.append(Draft(kind=kind, part=part, blocks=codes, claim=_claim(source, known, kind, part, some)))
    return made


def versioned(claim: Claim, control: str, frequency: str = "1", original: str = "") -> Claim:
    """The claim under another number, and its lines under theirs."""
    lines = tuple(replace(line, control=line_number(control, n)) for n, line in enumerate(claim.lines, 1))
    return replace(claim, control=control, lines=lines, frequency=frequency, original=original)


def _claim(source: Source, known: Known, kind: Kind, part: int, blocks: Sequence[Block]) -> Claim:
    patient, provider = known.patients[source.patient_id], known.providers[source.department_id]
    control = control_number(kind, source.origin, source.pk, part, version=1)
    place = known.charges[blocks[0].code].place_of_service
    diagnoses = known.diagnoses[source.case_id]
    pointers = tuple(range(1, min(len(diagnoses), MOST_POINTERS) + 1))
    lines = tuple(
        _line(line_number(control, number), block, known.charges[block.code], source.day, place, pointers)
        for number, block in enumerate(blocks, 1)
    )
    payer = known.payers[patient.payer_id]
    return Claim(
        kind=kind,
        control=control,
        billing=_billing(provider),
        payer=Payer(name=payer.name, payer_id=payer.payer_id, provider_number=provider.provider_number),
        subscriber=_subscriber(patient),
        charge=sum((line.charge for line in lines), Decimal(0)),
        place=place,
        diagnoses=diagnoses,
        lines=lines,
    )


def _line(control: str, block: Block, charge: Charge, day: date, place: str, pointers: tuple[int, ...]) -> Line:
    return Line(
        control=control,
        procedure=charge.hcpcs,
        modifiers=tuple(charge.modifiers.split()),
        charge=block.price * block.quantity,
        quantity=Decimal(block.quantity),
        place="" if charge.place_of_service == place else charge.place_of_service,
        pointers=pointers,
        begins=day,
    )


def _billing(provider: BillingProvider) -> Billing:
    return Billing(
        name=Name(last=provider.name, organisation=True),
        npi=provider.npi,
        tax_id=provider.tax_id,
        taxonomy=provider.taxonomy,
        address=Address(
            street=provider.street, street_2=provider.street_2, city=provider.city, state=provider.state,
            zip_code=provider.zip_code,
        ),
        phone=provider.phone,
    )  # fmt: skip


def _subscriber(patient: Patient) -> Subscriber:
    details: dict[str, Any] = dict(patient.details)
    return Subscriber(
        member_id=details["member_id"],
        name=Name(**{name: details.get(name, "") for name in ("last", "first", "middle", "suffix")}),
        address=patient.address,
        birth_date=date.fromisoformat(details["birth_date"]),
        sex=details["sex"],
    )
