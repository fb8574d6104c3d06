"""Rules on who bills, pays, is insured and is treated. Each gives a sentence that says what to do, or nothing."""

import re
from collections.abc import Iterator

from claims.edi.claims import Address, Claim, Kind, Name, Provider
from claims.edi.clean import clean, is_clean
from claims.edi.npi import is_npi
from claims.edi.outbound import PHONE
from claims.edi.standing import Standing

NINE_DIGITS = re.compile(r"[0-9]{9}")
TAXONOMY = re.compile(r"[0-9]{3}[0-9A-Z]{6}X")
PO_BOX = re.compile(r"\bP(?:OST)?[. ]*O(?:FFICE)?[. ]*(?:BOX|DRAWER)(?![A-Z])|\bPOB\b|^(?:BOX|PO) [0-9]")
STATES = {
    "AL", "AK", "AZ", "AR", "CA", "CO", "CT", "DE", "DC", "FL", "GA", "HI", "ID", "IL", "IN", "IA", "KS", "KY",
    "LA", "ME", "MD", "MA", "MI", "MN", "MS", "MO", "MT", "NE", "NV", "NH", "NJ", "NM", "NY", "NC", "ND", "OH",
    "OK", "OR", "PA", "RI", "SC", "SD", "TN", "TX", "UT", "VT", "VA", "WA", "WV", "WI", "WY", "AS", "FM", "GU",
    "MH", "MP", "PR", "PW", "VI", "AA", "AE", "AP",
}  # fmt: skip
RELATIONSHIPS = {"01", "19", "20", "21", "39", "40", "53", "G8"}
SEQUENCES = set("PSTABCDEFGHU")
FILINGS = {
    "11", "12", "13", "14", "15", "16", "17", "AM", "BL", "CH", "CI", "DS", "FI", "HM", "LM", "MA", "MB", "MC",
    "OF", "TV", "VA", "WC", "ZZ",
}  # fmt: skip
SECONDARY = {"12", "13", "14", "15", "16", "41", "42", "43", "47"}


def npi(claim: Claim, standing: Standing) -> Iterator[str]:
    for whose, provider in _providers(claim):
        if provider.npi and not is_npi(provider.npi):
            yield f"The NPI of the {whose} (NM109) is not a valid one: correct it."
    if claim.billing.npi and not is_npi(claim.billing.npi):
        yield "The billing provider's NPI (2010AA NM109) is not a valid one: correct it."


def atypical(claim: Claim, standing: Standing) -> Iterator[str]:
    """Who has no NPI is known by the payer's number alone, and does not do medical work."""
    if claim.billing.npi:
        return
    if claim.kind is not Kind.NONMED:
        yield "The billing provider has no NPI (2010AA NM109), which a medical claim needs: enter it."
    elif not claim.payer.provider_number:
        yield "The billing provider has neither NPI nor a number from this payer (2010BB REF G2): enter one of them."


def tax_id(claim: Claim, standing: Standing) -> Iterator[str]:
    text = claim.billing.tax_id
    if not NINE_DIGITS.fullmatch(text) or len(set(text)) == 1:
        yield "The billing provider's tax id (REF EI) must be nine digits without a dash: correct it."
    if claim.billing.tax_id_kind not in {"EI", "SY"}:
        yield "The kind of the billing provider's tax id must be EI or SY: correct it."


def taxonomy(claim: Claim, standing: Standing) -> Iterator[str]:
    rendering = claim.rendering.taxonomy if claim.rendering else ""
    for whose, code in (("billing", claim.billing.taxonomy), ("rendering", rendering)):
        if code and not TAXONOMY.fullmatch(code):
            yield f"The {whose} provider's taxonomy (PRV03) must be ten characters that end in X: correct it."


def po_box(claim: Claim, standing: Standing) -> Iterator[str]:
    address = claim.billing.address
    if any(PO_BOX.search(clean(street, 55)) for street in (address.street, address.street_2)):
        yield "The billing provider's address (2010AA N3) is a PO box: enter the street, and the box as pay-to address."


def addresses(claim: Claim, standing: Standing) -> Iterator[str]:
    for whose, address, long in _addresses(claim):
        digits = address.zip_code
        if not (digits.isascii() and digits.isdigit() and len(digits) in ((9,) if long else (5, 9))):
            yield f"The ZIP code of the {whose} (N403) must be {'9' if long else '5 or 9'} digits: correct it."
        if address.state not in STATES:
            yield f"The state of the {whose} (N402) must be a state's two capital letters: correct it."
        if not clean(address.street, 55) or len(clean(address.city, 30)) < 2:
            yield f"The address of the {whose} (N3, N4) lacks the street or the city: complete it."


def phone(claim: Claim, standing: Standing) -> Iterator[str]:
    if claim.billing.phone and not PHONE.fullmatch(claim.billing.phone):
        yield "The billing provider's phone (PER04) must be ten digits without a leading 1: correct it."


def names(claim: Claim, standing: Standing) -> Iterator[str]:
    for whose, name in _names(claim):
        if not clean(name.last, 60):
            yield f"The name of the {whose} (NM103) has no letter that X12 can carry: enter it in Latin letters."
        elif not name.organisation and not clean(name.first, 35):
            yield f"The first name of the {whose} (NM104) is missing: enter it."


def identifiers(claim: Claim, standing: Standing) -> Iterator[str]:
    """Names are cleaned when they are written; an identifier that is not clean would become another one."""
    subscriber, payer = claim.subscriber, claim.payer
    if not is_clean(subscriber.member_id, 80) or len(subscriber.member_id) < 2:
        yield "The member id (2010BA NM109) must be 2 to 80 capital letters, digits or plain marks: correct it."
    if not is_clean(payer.payer_id, 80) or len(payer.payer_id) < 2:
        yield "The payer's id (2010BB NM109) must be 2 to 80 capital letters, digits or plain marks: correct it."
    rest = {
        "group number (SBR03)": subscriber.group_number,
        "payer's number of the provider (REF G2)": payer.provider_number,
        "referral number (REF 9F)": claim.referral, "prior authorisation (REF G1)": claim.authorisation,
        "payer's claim number (REF F8)": claim.original, "CLIA number (REF X4)": claim.laboratory,
        "medical record number (REF EA)": claim.record,
    }  # fmt: skip
    for field, text in rest.items():
        if text and not is_clean(text, 50):
            yield f"The {field} has small letters, outer blanks or marks that X12 cannot carry: correct it."


def subscriber_self(claim: Claim, standing: Standing) -> Iterator[str]:
    """SBR02 is 18 for the member alone, who is described in full."""
    subscriber = claim.subscriber
    if claim.patient is None and not (subscriber.address and subscriber.birth_date and subscriber.sex):
        yield "The member is the patient, so address, birth date and sex (2010BA N3, N4, DMG) are needed: enter them."


def relationship(claim: Claim, standing: Standing) -> Iterator[str]:
    if claim.patient and claim.patient.relationship not in RELATIONSHIPS:
        yield "The patient's relationship (PAT01) must be one of the guide's codes, and never 18: correct it."


def sex(claim: Claim, standing: Standing) -> Iterator[str]:
    if claim.sex and claim.sex not in {"F", "M", "U"}:
        yield "The patient's sex (DMG03) must be F, M or U: correct it."


def coverage(claim: Claim, standing: Standing) -> Iterator[str]:
    subscriber = claim.subscriber
    if subscriber.sequence not in SEQUENCES:
        yield "The payer's place (SBR01) must be P, S, T or A to H: correct it."
    if subscriber.filing not in FILINGS:
        yield "The filing code (SBR09) must be one of the guide's: CI, MB, MC, BL, CH, HM, 12 …: correct it."
    if subscriber.sequence in {"S", "T"} and not claim.other_payers:
        yield "The payer's place (SBR01) is not the first, so another payer (2320) is needed: enter who pays before."
    if subscriber.secondary_type and (subscriber.secondary_type not in SECONDARY or subscriber.filing != "MB"):
        yield "The insurance type (SBR05) is for secondary Medicare only: leave it empty, or correct the filing code."


def payer(claim: Claim, standing: Standing) -> Iterator[str]:
    known = standing.payers.get(claim.payer.payer_id)
    if known is None:
        yield "The payer's id (2010BB NM109) is not on the clearinghouse's payer list: choose one that is."
    elif not known.enrolled:
        yield "The provider is not enrolled with this payer: enrol at the clearinghouse, then send the claim."


def one_payer(claim: Claim, standing: Standing) -> Iterator[str]:
    """The claim goes to one payer; the others have a place of their own each."""
    plans = [(claim.subscriber.sequence, claim.payer.payer_id)]
    plans += [(other.subscriber.sequence, other.payer.payer_id) for other in claim.other_payers]
    if len({place for place, _ in plans}) < len(plans) or len({payer_id for _, payer_id in plans}) < len(plans):
        yield "Two of the claim's payers have the same id or the same place (SBR01): leave one payer for each place."


def facility(claim: Claim, standing: Standing) -> Iterator[str]:
    place, billing = claim.facility, claim.billing
    if place and (place.address == billing.address or (place.npi and place.npi == billing.npi)):
        yield "The facility (2310C) is the billing provider itself: leave the facility out."
    if place and place.address is None:
        yield "The facility (2310C) has no address (N3, N4): enter it."


def _providers(claim: Claim) -> list[tuple[str, Provider]]:
    known = {
        "referring provider": claim.referring, "rendering provider": claim.rendering, "facility": claim.facility,
        "supervising provider": claim.supervising,
    }  # fmt: skip
    return [(whose, provider) for whose, provider in known.items() if provider]


def _names(claim: Claim) -> Iterator[tuple[str, Name]]:
    yield "billing provider", claim.billing.name
    yield "payer", Name(last=claim.payer.name, organisation=True)
    yield "member", claim.subscriber.name
    if claim.patient:
        yield "patient", claim.patient.name
    for whose, provider in _providers(claim):
        yield whose, provider.name


def _addresses(claim: Claim) -> Iterator[tuple[str, Address, bool]]:
    """With whose it is, and whether its ZIP code must be the long one."""
    yield "billing provider", claim.billing.address, True
    if claim.billing.pay_to:
        yield "pay-to address", claim.billing.pay_to, False
    if claim.patient:
        yield "patient", claim.patient.address, False
    elif claim.subscriber.address:
        yield "member", claim.subscriber.address, False
    if claim.facility and claim.facility.address:
        yield "facility", claim.facility.address, True
    if claim.transport:
        yield "pick-up", claim.transport.pick_up, False
        yield "drop-off", claim.transport.drop_off, False
