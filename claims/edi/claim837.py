"""Loops 2300 to 2400: one claim and its lines, segment by segment in the guide's order."""

from collections.abc import Iterator

from claims.edi.claims import Accident, Claim, Line, Name, OtherPayer, Provider, Transport
from claims.edi.clean import clean
from claims.edi.segments import (
    adjusted,
    composite,
    dated,
    day,
    decimal,
    identifier,
    located,
    named,
    noted,
    referenced,
    segment,
)

PLACE_KIND = "B"  # CLM05-2: the place is one of CMS's list


def claim_segments(claim: Claim) -> Iterator[str]:
    """CLM to the last line's last segment, without terminators."""
    yield _clm(claim)
    yield from dated("431", claim.onset)
    yield from dated("439", claim.accident.on if claim.accident else None)
    yield from dated("435", claim.admitted)
    yield from dated("096", claim.discharged)
    if claim.patient_paid:
        yield segment("AMT", "F5", decimal(claim.patient_paid))
    yield from referenced("9F", claim.referral, "The referral number (REF 9F)")
    yield from referenced("G1", claim.authorisation, "The prior authorisation (REF G1)")
    yield from referenced("F8", claim.original, "The payer's claim number (REF F8)")
    yield from referenced("X4", claim.laboratory, "The CLIA number (REF X4)")
    yield from referenced("EA", claim.record, "The medical record number (REF EA)")
    yield from noted(claim.note)
    if claim.transport and claim.transport.reason:
        yield segment("CR1", "", "", "", claim.transport.reason, "DH", decimal(claim.transport.miles))
    codes = (identifier(code, "A diagnosis (HI)", 30) for code in claim.diagnoses)
    yield segment("HI", *(composite("ABF" if at else "ABK", code) for at, code in enumerate(codes)))
    yield from _providers(claim)
    yield from _transported(claim.transport)
    for other in claim.other_payers:
        yield from _other_payer(other)
    for number, line in enumerate(claim.lines, 1):
        yield from _line(number, line, claim)


def _clm(claim: Claim) -> str:
    return segment(
        "CLM", identifier(claim.control, "The claim's control number (CLM01)", 38), decimal(claim.charge), "", "",
        composite(claim.place, PLACE_KIND, claim.frequency), "Y" if claim.signed else "N", claim.assignment,
        claim.benefits, claim.release, "", _causes(claim.accident),
    )  # fmt: skip


def _causes(accident: Accident | None) -> str:
    return composite(accident.cause, "", "", accident.state) if accident else ""


def _providers(claim: Claim) -> Iterator[str]:
    """2310A to D. Who renders is left out where the same provider bills."""
    rendering = claim.rendering if claim.rendering and claim.rendering.npi != claim.billing.npi else None
    for entity, provider in (
        ("DN", claim.referring),
        ("82", rendering),
        ("77", claim.facility),
        ("DQ", claim.supervising),
    ):
        if provider:
            yield from _provider(entity, provider)


def _provider(entity: str, provider: Provider) -> Iterator[str]:
    yield named(entity, provider.name, "XX", provider.npi, "A provider's NPI (NM109)")
    if provider.taxonomy and entity == "82":
        yield segment("PRV", "PE", "PXC", identifier(provider.taxonomy, "The taxonomy (PRV03)"))
    if provider.address and entity == "77":
        yield from located(provider.address)


def _transported(transport: Transport | None) -> Iterator[str]:
    """2310E and F, whose places have no name."""
    if transport:
        yield segment("NM1", "PW", "2")
        yield from located(transport.pick_up)
        yield segment("NM1", "45", "2")
        yield from located(transport.drop_off)


def _other_payer(other: OtherPayer) -> Iterator[str]:
    """2320 with 2330A and B."""
    insured, payer = other.subscriber, other.payer
    group_name = "" if insured.group_number else clean(insured.group_name, 60)
    group = identifier(insured.group_number, "Another payer's group number (SBR03)")
    yield segment(
        "SBR",
        insured.sequence,
        other.relationship,
        group,
        group_name,
        insured.secondary_type,
        "",
        "",
        "",
        insured.filing,
    )
    yield from adjusted(other.adjustments)
    if other.paid is not None:
        yield segment("AMT", "D", decimal(other.paid))
    yield segment("OI", "", "", "Y", "", "", "Y")
    yield named("IL", insured.name, "MI", insured.member_id, "Another payer's member id (NM109)")
    if insured.address:
        yield from located(insured.address)
    yield named("PR", Name(last=payer.name, organisation=True), "PI", payer.payer_id, "Another payer's id (NM109)")
    yield from dated("573", other.paid_on)
    yield from referenced("F8", other.claim_number, "Another payer's claim number (REF F8)")


def _line(number: int, line: Line, claim: Claim) -> Iterator[str]:
    """2400, and 2410 for a drug."""
    yield f"LX*{number}"
    place = line.place if line.place != claim.place else ""
    modifiers = (*line.modifiers, "", "", "", "")[:4]
    procedure = composite("HC", line.procedure, *modifiers, clean(line.description, 80))
    pointers = composite(*map(str, line.pointers))
    emergency = "Y" if line.emergency else ""
    yield segment(
        "SV1", procedure, decimal(line.charge), line.unit, decimal(line.quantity), place, "", pointers, "", emergency
    )
    if line.ends and line.ends != line.begins:
        yield segment("DTP", "472", "RD8", f"{day(line.begins)}-{day(line.ends)}")
    else:
        yield from dated("472", line.begins)
    yield from referenced("6R", line.control, f"Line {number}: the control number (REF 6R)")
    yield from noted(line.note)
    if line.ndc:
        yield segment("LIN", "", "N4", identifier(line.ndc, f"Line {number}: the NDC (LIN03)"))
        yield segment("CTP", "", "", "", decimal(line.ndc_quantity), line.ndc_unit)
