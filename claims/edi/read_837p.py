"""837P: claims as they were submitted, with their lines, for staging into the pipeline. Source: edi.md 5.

Billing provider, subscriber and payer come from the levels above a claim (HL). Predeterminations and post-adjudicated
data (X291, X298), which are no claims, and the 837 of institutions and dentists are reported and not read.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from claims.edi.envelope import Transaction
from claims.edi.findings import Findings
from claims.edi.values import day, days, money, quantity
from claims.edi.x12 import Segment

PROFESSIONAL = ("X222", "X098")


@dataclass(slots=True, kw_only=True)
class SubmittedLine:
    """A line. `number`: LX01. `reference`: REF 6R. `pointers`: positions in the claim's diagnoses, from 1."""

    segment: int
    number: str
    procedure: str = ""
    modifiers: list[str] = field(default_factory=list)
    charge: Decimal = Decimal(0)
    unit: str = ""
    units: Decimal | None = None
    place: str = ""
    pointers: list[str] = field(default_factory=list)
    first_day: date | None = None
    last_day: date | None = None
    reference: str = ""


class Person(NamedTuple):
    """As an NM1 names somebody; who receives a payment for him is told by this name."""

    last: str = ""
    first: str = ""
    middle: str = ""
    suffix: str = ""


NOBODY = Person()


@dataclass(slots=True, kw_only=True)
class Parties:
    """Who stands above a claim. `patient` is the subscriber, unless `patient_is_dependant`."""

    batch: str = ""  # BHT03
    billing: str = ""  # NPI
    tax_id: str = ""
    payer: str = ""
    payer_rank: str = ""  # SBR01: P, S, T
    filing: str = ""  # SBR09
    patient_is_dependant: bool = False
    insured: Person = field(default=NOBODY, repr=False)
    patient: Person = field(default=NOBODY, repr=False)
    subscriber: str = field(default="", repr=False)  # member id
    dependant: str = field(default="", repr=False)  # a member id of its own, if the patient has one
    born_on: date | None = field(default=None, repr=False)
    sex: str = field(default="", repr=False)

    @property
    def member(self) -> str:
        return self.dependant or self.subscriber


@dataclass(slots=True, kw_only=True)
class SubmittedClaim:
    """A claim. `frequency`: 1 original, 7 replacement, 8 void of `payer_claim` (REF F8). `rendering`: its NPI."""

    segment: int
    account: str
    charge: Decimal
    place: str
    frequency: str
    parties: Parties
    payer_claim: str = ""
    authorisation: str = ""
    rendering: str = ""
    diagnoses: list[str] = field(default_factory=list)
    lines: list[SubmittedLine] = field(default_factory=list)


@dataclass(slots=True)
class _Place:
    parties: Parties = field(default_factory=Parties)
    claim: SubmittedClaim | None = None
    level: str = ""  # HL03
    other: bool = False  # within 2320, which is about other payers


def read_837p(transaction: Transaction, findings: Findings) -> Iterator[SubmittedClaim]:
    """The claims in the file's order, each when it is complete."""
    if not any(guide in transaction.version for guide in PROFESSIONAL):
        findings.add(f"segment {transaction.segment} (ST)", "other-set")
        return
    place = _Place()
    for segment in transaction.body:
        name = segment.id
        if name in ("CLM", "HL") and place.claim:
            yield place.claim
            place.claim = None
        if name == "CLM":
            place.claim, place.other = _claim(segment, place.parties, findings), False
        elif place.claim and name == "SBR":
            place.other = True
        elif place.claim and name == "LX":
            place.claim.lines.append(SubmittedLine(segment=segment.number, number=segment.at(1)))
        else:
            _read(place, segment, findings)
    if place.claim:
        yield place.claim


def _read(place: _Place, segment: Segment, findings: Findings) -> None:
    name, claim = segment.id, place.claim
    if not claim:
        if above := ABOVE.get(name):
            above(place, segment, findings)
    elif claim.lines:
        if of_line := LINE.get(name):
            of_line(claim.lines[-1], segment, findings)
    elif not place.other and (of_claim := CLAIM.get(name)):
        of_claim(claim, segment)


def _claim(segment: Segment, parties: Parties, findings: Findings) -> SubmittedClaim:
    if not segment.at(1):
        findings.add(segment.place(1), "no-key")
    where = [*segment.components(5), "", "", ""]
    if not where[2]:
        findings.add(segment.place(5), "composite")
    return SubmittedClaim(
        segment=segment.number,
        account=segment.at(1),
        charge=money(segment, 2, findings),
        place=where[0],
        frequency=where[2],
        parties=replace(parties),
    )


def _level(place: _Place, segment: Segment, findings: Findings) -> None:
    """A new level forgets what stood below its own kind: a second subscriber is not born when the first was."""
    old, place.level = place.parties, segment.at(3)
    if place.level == "20":
        place.parties = Parties(batch=old.batch)
    elif place.level == "22":
        place.parties = Parties(batch=old.batch, billing=old.billing, tax_id=old.tax_id)
    elif place.level == "23":
        old.dependant, old.born_on, old.sex = "", None, ""
        old.patient_is_dependant, old.patient = True, NOBODY


def _header(place: _Place, segment: Segment, findings: Findings) -> None:
    place.parties.batch = segment.at(3)


def _subscriber(place: _Place, segment: Segment, findings: Findings) -> None:
    place.parties.payer_rank, place.parties.filing = segment.at(1), segment.at(9)


def _name(place: _Place, segment: Segment, findings: Findings) -> None:
    parties, named = place.parties, segment.at(9)
    if segment.at(1) == "85":
        parties.billing = named if segment.at(8) == "XX" else ""
    elif segment.at(1) == "IL":
        parties.subscriber = named
        parties.insured = parties.patient = _person_of(segment)
    elif segment.at(1) == "QC":
        parties.dependant, parties.patient = named, _person_of(segment)
    elif segment.at(1) == "PR":
        parties.payer = named


def _person_of(segment: Segment) -> Person:
    return Person(segment.at(3), segment.at(4), segment.at(5), segment.at(7))


def _reference(place: _Place, segment: Segment, findings: Findings) -> None:
    if segment.at(1) in ("EI", "SY") and place.level == "20":
        place.parties.tax_id = segment.at(2)


def _person(place: _Place, segment: Segment, findings: Findings) -> None:
    place.parties.born_on = day(segment, 2, findings)
    place.parties.sex = segment.at(3)


def _diagnoses(claim: SubmittedClaim, segment: Segment) -> None:
    for element in range(1, min(len(segment.parts), 13)):
        qualifier, *code = segment.components(element) or [""]
        if code and qualifier in ("ABK", "ABF", "BK", "BF"):
            claim.diagnoses.append(code[0])


def _claim_reference(claim: SubmittedClaim, segment: Segment) -> None:
    if segment.at(1) == "F8":
        claim.payer_claim = segment.at(2)
    elif segment.at(1) == "G1":
        claim.authorisation = segment.at(2)


def _claim_name(claim: SubmittedClaim, segment: Segment) -> None:
    if segment.at(1) == "82":
        claim.rendering = segment.at(9)


def _service(line: SubmittedLine, segment: Segment, findings: Findings) -> None:
    _, line.procedure, *rest = [*segment.components(1), "", ""]
    if not line.procedure:
        findings.add(segment.place(1), "composite")
    line.modifiers = [modifier for modifier in rest[:4] if modifier]
    line.charge = money(segment, 2, findings)
    line.unit, line.units = segment.at(3), quantity(segment, 4, findings)
    line.place = segment.at(5)
    line.pointers = segment.components(7)


def _line_day(line: SubmittedLine, segment: Segment, findings: Findings) -> None:
    if segment.at(1) == "472":
        line.first_day, line.last_day = days(segment, 2, 3, findings)


def _line_reference(line: SubmittedLine, segment: Segment, findings: Findings) -> None:
    if segment.at(1) == "6R":
        line.reference = segment.at(2)


ABOVE: dict[str, Callable[[_Place, Segment, Findings], None]] = {
    "BHT": _header, "HL": _level, "SBR": _subscriber, "NM1": _name, "REF": _reference, "DMG": _person,
}  # fmt: skip
CLAIM: dict[str, Callable[[SubmittedClaim, Segment], None]] = {
    "HI": _diagnoses, "REF": _claim_reference, "NM1": _claim_name,
}  # fmt: skip
LINE: dict[str, Callable[[SubmittedLine, Segment, Findings], None]] = {
    "SV1": _service, "DTP": _line_day, "REF": _line_reference,
}  # fmt: skip
