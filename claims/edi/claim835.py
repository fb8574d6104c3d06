"""Loops 2100 and 2110 of an 835: a claim and its lines, segment by segment in the guide's order."""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from claims.edi.claims import Adjustment, Name
from claims.edi.clean import clean
from claims.edi.payments import RemittedClaim, RemittedLine
from claims.edi.segments import NotWritable, adjusted, composite, day, decimal, echo, money, named, segment

# CLP06: those of SBR09 that an 835 knows; the others have no word of their own there.
FILINGS = frozenset(
    (
        "12", "13", "14", "15", "16", "17", "AM", "CH", "DS", "HM", "LM", "MA", "MB", "MC", "OF", "TV", "VA", "WC",
        "ZZ",
    )
)  # fmt: skip
OTHER_FILING = "ZZ"
ZERO = Decimal(0)


class NotBalanced(NotWritable):
    """Charges, adjustments and payments do not agree (edi.md 6.5); the message says where, and no figure."""


def claim_segments(claim: RemittedClaim) -> Iterator[str]:
    """CLP to the last line's last segment, without terminators."""
    _refuse_unbalanced(claim)
    share = _sum(each for each in _adjustments(claim) if each.group == "PR")
    yield segment(
        "CLP", echo(claim.account, "The claim's control number (CLP01)", 38), claim.code, money(claim.charge),
        money(claim.paid), money(share) if share else "",
        claim.filing if claim.filing in FILINGS else OTHER_FILING,
        echo(claim.number, "The payer's claim number (CLP07)"), claim.place, claim.frequency,
    )  # fmt: skip
    yield from adjusted(claim.adjustments)
    yield from _people(claim)
    for line in claim.lines:
        yield from _line(line)


def _adjustments(claim: RemittedClaim) -> Iterator[Adjustment]:
    yield from claim.adjustments
    for line in claim.lines:
        yield from line.adjustments


def _refuse_unbalanced(claim: RemittedClaim) -> None:
    """Rules 1 and 2: each line, the charges of all of them, the claim."""
    charges = paid = ZERO
    for line in claim.lines:
        if line.charge - _sum(line.adjustments) != line.paid:
            raise NotBalanced("A line's charge less its adjustments is not what is paid for it (SVC03).")
        charges += line.charge
        paid += line.paid
    if claim.lines and charges != claim.charge:
        raise NotBalanced("A claim's charge is not that of its lines (CLP03).")
    if (paid if claim.lines else claim.charge) - _sum(claim.adjustments) != claim.paid:
        raise NotBalanced("A claim's charge less all adjustments is not what is paid for it (CLP04).")


def _sum(adjustments: Iterable[Adjustment]) -> Decimal:
    total = ZERO
    for each in adjustments:
        total += each.amount
    return total


def _people(claim: RemittedClaim) -> Iterator[str]:
    """NM1 QC, and IL where the patient is insured by somebody else, whose number it then is."""
    member = ("MI", echo(claim.member_id, "The member id (NM109)", 80)) if claim.member_id else ("", "")
    yield _person("QC", claim.patient, *(("", "") if claim.insured else member))
    if claim.insured:
        yield _person("IL", claim.insured, *member)


def _person(entity: str, name: Name | None, qualifier: str, number: str) -> str:
    """Without a name where none is known, or where it has no letter that X12 can carry."""
    if name and clean(name.last, 60):
        person = named(entity, name)
        missing = 8 - person.count("*")
        return segment(person + "*" * missing + qualifier, number) if number else person
    return segment("NM1", entity, "1", "", "", "", "", "", qualifier, number)


def _line(line: RemittedLine) -> Iterator[str]:
    """SVC with its days, adjustments, control number, and what is allowed."""
    modifiers = [echo(modifier, "A modifier (SVC01)") for modifier in line.modifiers]
    procedure = composite("HC", echo(line.procedure, "The procedure (SVC01)"), *modifiers[:4])
    sent = line.units_sent if line.units_sent != line.units else None
    yield segment(
        "SVC", procedure, money(line.charge), money(line.paid), "", _quantity(line.units), "", _quantity(sent)
    )
    yield from _days(line)
    yield from adjusted(line.adjustments)
    if line.control:
        yield segment("REF", "6R", echo(line.control, "The line's control number (REF 6R)"))
    if line.allowed is not None:
        yield segment("AMT", "B6", money(line.allowed))


def _quantity(units: Decimal | None) -> str:
    return "" if units is None else decimal(units)


def _days(line: RemittedLine) -> Iterator[str]:
    if line.begins and line.ends and line.ends != line.begins:
        yield segment("DTM", "150", day(line.begins))
        yield segment("DTM", "151", day(line.ends))
    elif line.begins:
        yield segment("DTM", "472", day(line.begins))
