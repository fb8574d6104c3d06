"""The bytes of one 837P file (005010X222A1): one ISA, one GS, at most 5,000 claims to an ST.

The same claims and envelope make the same bytes: order is that of first appearance, time and numbers are passed in.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count, islice

from claims.edi.claim837 import claim_segments
from claims.edi.claims import Billing, Claim, Dependant, Name, Payer, Subscriber
from claims.edi.clean import clean
from claims.edi.outbound import GUIDE, Envelope, check, gs, isa, reference_of
from claims.edi.segments import (
    ELEMENT,
    TERMINATOR,
    NotWritable,
    born,
    day,
    identifier,
    located,
    named,
    referenced,
    segment,
)

Patients = dict[Dependant | None, list[Claim]]
Grouped = dict[Billing, dict[tuple[Subscriber, Payer], Patients]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A piece of the file. One that holds an ST names it: `number` (ST02, a 999's AK202), `reference` (BHT03, a
    277CA's 2200B TRN02) and its claims' control numbers in the order in which they are written."""

    content: bytes
    number: str = ""
    reference: str = ""
    controls: tuple[str, ...] = ()


def parts(envelope: Envelope, claims: Iterable[Claim]) -> Iterator[Part]:
    """The file in order, in memory for no more than one ST. NotWritable says which field cannot be sent."""
    check(envelope)
    left = iter(claims)
    number = 0
    yield Part(content=_bytes(envelope, [isa(envelope), gs(envelope)]))
    while some := list(islice(left, envelope.claims_per_set)):
        number += 1
        part = _set(envelope, number, some)
        some.clear()  # before the next are read
        yield part
    if not number:
        raise NotWritable("There is no claim to write.")
    trailers = [f"GE*{number}*{envelope.control}", f"IEA*1*{envelope.control:09d}"]
    yield Part(content=_bytes(envelope, trailers))


def _bytes(envelope: Envelope, segments: list[str]) -> bytes:
    end = TERMINATOR + envelope.line_break
    return (end.join(segments) + end).encode("ascii")


def _set(envelope: Envelope, number: int, claims: list[Claim]) -> Part:
    """ST to SE."""
    st, reference = f"{number:04d}", reference_of(envelope, number)
    segments = [f"ST*837*{st}*{GUIDE}", *_header(envelope, reference)]
    hl = count(1)
    for billing, members in _grouped(envelope, claims).items():
        provider = next(hl)
        segments += _billing(provider, billing)
        for (subscriber, payer), patients in members.items():
            segments += _member(hl, provider, subscriber, payer, patients)
    segments.append(f"SE*{len(segments) + 1}*{st}")
    controls = tuple(text.split(ELEMENT, 2)[1] for text in segments if text.startswith("CLM*"))
    return Part(content=_bytes(envelope, segments), number=st, reference=reference, controls=controls)


def _header(envelope: Envelope, reference: str) -> Iterator[str]:
    """BHT, 1000A and B."""
    yield segment("BHT", "0019", "00", reference, day(envelope.when), f"{envelope.when:%H%M}", "CH")
    submitter = Name(last=envelope.submitter, organisation=True)
    yield named("41", submitter, "46", envelope.submitter_id, "The submitter's id (NM109)")
    yield segment("PER", "IC", clean(envelope.contact, 60), "TE", identifier(envelope.phone, "The phone (PER04)"))
    receiver = Name(last=envelope.receiver_name, organisation=True)
    yield named("40", receiver, "46", envelope.receiver_id, "The receiver's id (NM109)")


def _grouped(envelope: Envelope, claims: list[Claim]) -> Grouped:
    """The claims under billing provider, member and patient, all in the order of their first appearance."""
    groups: Grouped = {}
    for claim in claims:
        if claim.kind != envelope.kind:
            raise NotWritable(
                f"A claim is not {envelope.kind}: medical and non-medical claims go into files of their own."
            )
        patients = groups.setdefault(claim.billing, {}).setdefault((claim.subscriber, claim.payer), {})
        patients.setdefault(claim.patient, []).append(claim)
    return groups


def _billing(number: int, billing: Billing) -> Iterator[str]:
    """2000A, 2010AA and AB."""
    yield f"HL*{number}**20*1"
    if billing.taxonomy:
        yield segment("PRV", "BI", "PXC", identifier(billing.taxonomy, "The taxonomy (PRV03)"))
    yield named("85", billing.name, "XX", billing.npi, "The billing provider's NPI (NM109)")
    yield from located(billing.address)
    yield from referenced(billing.tax_id_kind, billing.tax_id, "The billing provider's tax id (REF EI or SY)")
    if billing.phone:
        phone = identifier(billing.phone, "The billing provider's phone (PER04)")
        yield segment("PER", "IC", clean(billing.contact, 60) or clean(billing.name.last, 60), "TE", phone)
    if billing.pay_to:
        yield segment("NM1", "87", "2" if billing.name.organisation else "1")
        yield from located(billing.pay_to)


def _member(
    hl: Iterator[int], provider: int, subscriber: Subscriber, payer: Payer, patients: Patients
) -> Iterator[str]:
    """A 2000B for the member's own claims, and one for those of dependants, where there are such."""
    if own := patients.get(None):
        yield f"HL*{next(hl)}*{provider}*22*0"
        yield from _subscriber(subscriber, payer, is_patient=True)
        for claim in own:
            yield from claim_segments(claim)
    dependants = [(patient, claims) for patient, claims in patients.items() if patient]
    if dependants:
        parent = next(hl)
        yield f"HL*{parent}*{provider}*22*1"
        yield from _subscriber(subscriber, payer, is_patient=False)
        for patient, claims in dependants:
            yield f"HL*{next(hl)}*{parent}*23*0"
            yield from _patient(patient)
            for claim in claims:
                yield from claim_segments(claim)


def _subscriber(subscriber: Subscriber, payer: Payer, *, is_patient: bool) -> Iterator[str]:
    """SBR, 2010BA and BB."""
    group = identifier(subscriber.group_number, "The group number (SBR03)")
    group_name = "" if group else clean(subscriber.group_name, 60)
    relation = "18" if is_patient else ""
    rest = (group, group_name, subscriber.secondary_type, "", "", "", subscriber.filing)
    yield segment("SBR", subscriber.sequence, relation, *rest)
    yield named("IL", subscriber.name, "MI", subscriber.member_id, "The member id (NM109)")
    if is_patient:
        if subscriber.address is None:
            raise NotWritable("The member's address is missing: enter it.")
        yield from located(subscriber.address)
        yield born(subscriber.birth_date, subscriber.sex, "The member's")
    name = Name(last=payer.name, organisation=True)
    yield named("PR", name, "PI", payer.payer_id, "The payer's id (NM109)")
    yield from referenced("G2", payer.provider_number, "The payer's number of the provider (REF G2)")


def _patient(patient: Dependant) -> Iterator[str]:
    """PAT and 2010CA."""
    yield segment("PAT", patient.relationship)
    yield named("QC", patient.name)
    yield from located(patient.address)
    yield born(patient.birth_date, patient.sex, "The patient's")
