"""What a set says of ours, one claim or one batch at a time, before it is known whether there is such a claim."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha256
from typing import Any

from billing.models import Answer, ClaimEvent, Document

ZERO = Decimal(0)
LARGEST = Decimal("9999999999999.99")
Json = dict[str, Any]


@dataclass(kw_only=True, slots=True)
class Statement:
    """Something said of one claim: `claim` is its id where that is known, else `reference` its CLM01. Nobody changes
    it; it is not frozen, since that takes three times as long to make.

    With `of_claim` False it is about a batch or provider that is not ours, and only kept. `key` is made of what is
    said, so that it is the same in whatever file it comes. `segment` counts from the set's ST, which is 1. `test`: it
    answers a test file.
    """

    kind: str
    key: str
    reference: str = ""
    claim: int | None = None
    of_claim: bool = True
    state: str = ""
    segment: int = 0
    code: str = ""
    says: str = ""
    detail: Json = field(default_factory=dict)
    day: str = ""
    payment: str = ""
    paid: Decimal = ZERO
    share: Decimal = ZERO
    amount: Decimal | None = None
    test: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """A batch that an answer names has arrived. `codes`: what a 999 says of its sets, by BatchSet id; `totals`: what a
    277CA counts in them, as BatchSet.told."""

    batch: int
    acknowledged: bool = False
    answered: bool = False
    codes: Sequence[tuple[int, str]] = ()
    totals: Sequence[tuple[int, Json]] = ()


def key_of(*parts: object) -> str:
    """64 characters that name what is said."""
    return sha256("\x1f".join(str(part) for part in parts).encode()).hexdigest()


def kept(text: str, most: int) -> str:
    """What a database can hold of a text from outside: no control characters, and no more than fits."""
    if not text.isprintable():
        text = "".join(character for character in text if character.isprintable())
    return text[:most]


def kept_amount(amount: Decimal) -> Decimal:
    """The nearest that a money column can hold, of an amount that nothing is booked by."""
    return max(-LARGEST, min(LARGEST, round(amount, 2)))


def event_of(statement: Statement, claim: int, document: Document, place: "Place") -> ClaimEvent:
    return ClaimEvent(
        claim_id=claim,
        key=statement.key,
        state=statement.state,
        document_id=document.pk,
        set_number=place.set_number,
        place=place.number,
        segment=statement.segment,
        code=kept(statement.code, 60),
        says=kept(statement.says, 400),
        detail=statement.detail,
        day=statement.day,
        payment=statement.payment,
        paid=statement.paid,
        share=statement.share,
        test=statement.test,
        at=document.created_at,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a set stands in its file: its number from 1, 0 of a report; its ST02; the segments before it."""

    number: int = 0
    set_number: str = ""
    before: int = 0


def answer_of(statement: Statement, document: Document, place: Place) -> Answer:
    """With all that is needed to make an event of it once its claim is known (billing/linking.py). Its segment counts
    from the beginning of the file, in which several sets may have the same number."""
    return Answer(
        region_id=document.region_id,
        document=document,
        kind=statement.kind,
        set_number=place.set_number,
        segment=place.before + statement.segment,
        reference=kept(statement.reference, 80),
        code=kept(statement.code, 60),
        amount=None if statement.amount is None else kept_amount(statement.amount),
        detail={
            "place": place.number,
            "segment": statement.segment,
            "of_claim": statement.of_claim,
            "key": statement.key,
            "state": statement.state,
            "says": kept(statement.says, 400),
            "day": statement.day,
            "payment": statement.payment,
            "paid": str(statement.paid),
            "share": str(statement.share),
            "detail": statement.detail,
        },
    )
