"""Rules on other payers and on transport. Each gives a sentence that says what to do, or nothing."""

import re
from collections.abc import Iterator
from decimal import Decimal

from claims.edi.claims import Claim, OtherPayer
from claims.edi.clean import clean, is_clean
from claims.edi.rules_parties import FILINGS, RELATIONSHIPS, SECONDARY, SEQUENCES
from claims.edi.rules_services import MOST, money
from claims.edi.standing import Standing

GROUPS = {"CO", "PR", "OA", "PI"}
REASON = re.compile(r"[0-9A-Z]{1,5}")
NO_AMOUNT = Decimal(0)


def other_payer(claim: Claim, standing: Standing) -> Iterator[str]:
    for other in claim.other_payers:
        if not _has_ids(other):
            yield "Another payer's or its member's name or id (2330 NM1) is missing or not plain capitals: correct it."
        if not _has_codes(other):
            yield "Another payer's place, relationship or filing code (2320 SBR) is not one of the guide's: correct it."
        codes_fit = all(one.group in GROUPS and REASON.fullmatch(one.reason) for one in other.adjustments)
        amounts = (*(one.amount for one in other.adjustments), NO_AMOUNT if other.paid is None else other.paid)
        if not codes_fit or any(money(abs(amount)) for amount in amounts):
            yield "What another payer adjusted (2320 CAS) or paid (AMT D) has a wrong code or amount: correct it."


def other_balance(claim: Claim, standing: Standing) -> Iterator[str]:
    """What a payer that has decided paid and adjusted is what was charged."""
    for other in claim.other_payers:
        if other.paid is None:
            continue
        if claim.charge != other.paid + sum((one.amount for one in other.adjustments), NO_AMOUNT):
            yield "What another payer paid and adjusted (2320 AMT D, CAS) is not the charge (CLM02): correct it."
        if other.paid_on is None:
            yield "Another payer has paid, so the date of its decision (2330B DTP 573) is needed: enter it."


def transport(claim: Claim, standing: Standing) -> Iterator[str]:
    moved = claim.transport
    if moved and moved.reason and (moved.reason not in set("ABCDE") or not 0 < moved.miles < MOST):
        yield "An ambulance needs its reason, A to E (CR104), and the miles (CR106): complete them."


def _has_ids(other: OtherPayer) -> bool:
    insured, payer = other.subscriber, other.payer
    optional = (insured.group_number, other.claim_number)
    return (
        all(len(text) >= 2 and is_clean(text, 80) for text in (insured.member_id, payer.payer_id))
        and all(is_clean(text, 50) for text in optional if text)
        and bool(clean(insured.name.last, 60) and clean(payer.name, 60))
    )


def _has_codes(other: OtherPayer) -> bool:
    insured = other.subscriber
    return (
        insured.sequence in SEQUENCES
        and other.relationship in RELATIONSHIPS | {"18"}
        and insured.filing in FILINGS
        and (not insured.secondary_type or insured.secondary_type in SECONDARY)
    )
