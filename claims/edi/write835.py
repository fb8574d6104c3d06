"""The bytes of one 835 (005010X221A1): one payment to one provider, in one ST.

It balances by construction (edi.md 6.5): lines and claims that do not are refused, and the payment is added up here.
The same payment makes the same bytes: time and numbers are passed in.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from claims.edi.claim835 import claim_segments
from claims.edi.clean import clean
from claims.edi.outbound import PHONE, Interchange, check_interchange, gs, isa
from claims.edi.payments import Offset, Payee, Remitted, RemittedClaim, Remitter
from claims.edi.segments import (
    TERMINATOR,
    NotWritable,
    composite,
    day,
    echo,
    located,
    money,
    segment,
)

GUIDE_835 = "005010X221A1"
SET = "0001"
BALANCE_FORWARD = "FB"
AT_ONCE = 6  # offsets in a PLB


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """A file and its sums. `total`: what is paid (BPR02), from 0; what is below is carried forward (PLB FB)."""

    content: bytes
    claims: int
    lines: int
    charged: Decimal
    paid: Decimal
    total: Decimal


def write_835(envelope: Interchange, remitted: Remitted, claims: Iterable[RemittedClaim]) -> Written:
    """The file; of the claims only its text is held. NotWritable says what cannot be sent, NotBalanced what does not
    balance."""
    check_interchange(envelope)
    body: list[str] = []
    number = lines = 0
    charged = paid = Decimal(0)
    for claim in claims:
        body += _of_claim(claim)
        number += 1
        lines += len(claim.lines)
        charged += claim.charge
        paid += claim.paid
    offsets, total = _carried_forward(remitted, paid)
    head = [f"ST*835*{SET}", *_head(envelope, remitted, total), *(["LX*1"] if body else [])]
    tail = list(_offsets(remitted, offsets))
    segments = [isa(envelope), gs(envelope, "HP", GUIDE_835), *head, *body, *tail]
    segments += [
        f"SE*{len(head) + len(body) + len(tail) + 1}*{SET}",
        f"GE*1*{envelope.control}",
        f"IEA*1*{envelope.control:09d}",
    ]
    end = TERMINATOR + envelope.line_break
    content = (end.join(segments) + end).encode("ascii")
    return Written(content=content, claims=number, lines=lines, charged=charged, paid=paid, total=total)


def _of_claim(claim: RemittedClaim) -> list[str]:
    """Its segments; a refusal names the claim by the payer's own number."""
    try:
        return list(claim_segments(claim))
    except NotWritable as fault:
        raise type(fault)(f"Claim {claim.number!r}: {fault}") from None


def _carried_forward(remitted: Remitted, paid: Decimal) -> tuple[list[Offset], Decimal]:
    """The offsets, and what is left to pay: never less than 0, since nobody is paid less."""
    offsets = list(remitted.offsets)
    total = paid - sum((offset.amount for offset in offsets), Decimal(0))
    if total < 0:
        offsets.append(Offset(reason=BALANCE_FORWARD, reference=remitted.trace, amount=total))
        total = Decimal(0)
    return offsets, total


def _head(envelope: Interchange, remitted: Remitted, total: Decimal) -> Iterator[str]:
    """BPR to the payee. A check where something is paid, else a notice."""
    handling, method = ("I", "CHK") if total else ("H", "NON")
    bank = [""] * 11
    yield segment("BPR", handling, money(total), "C", method, *bank, day(remitted.paid_on))
    yield segment("TRN", "1", echo(remitted.trace, "The trace (TRN02)"), remitted.remitter.originator)
    yield segment("DTM", "405", day(remitted.produced_on))
    yield from _remitter(remitted.remitter)
    yield from _payee(remitted.payee)


def _remitter(remitter: Remitter) -> Iterator[str]:
    """1000A."""
    name, contact = clean(remitter.name, 60), clean(remitter.contact, 60)
    if not name or not contact:
        raise NotWritable("The payer's name and its contact (1000A) must have Latin letters.")
    if not (remitter.tax_id.isascii() and remitter.tax_id.isdecimal() and len(remitter.tax_id) == 9):
        raise NotWritable("The payer's tax id (TRN03) must have nine digits.")
    if not PHONE.fullmatch(remitter.phone):
        raise NotWritable("The payer's phone (1000A PER04) must be ten digits without a leading 1.")
    yield segment("N1", "PR", name)
    yield from located(remitter.address)
    yield segment("REF", "2U", echo(remitter.payer_id, "The payer's id (REF 2U)"))
    yield segment("PER", "BL", contact, "TE", remitter.phone)


def _payee(payee: Payee) -> Iterator[str]:
    """1000B."""
    known_as = ("XX", payee.npi) if payee.npi else ("FI", payee.tax_id)
    if not known_as[1]:
        raise NotWritable("Who is paid has neither an NPI nor a tax id.")
    name = clean(payee.name, 60) or "PROVIDER"
    yield segment("N1", "PE", name, known_as[0], echo(known_as[1], "The provider's number (N104)", 80))
    if payee.npi and payee.tax_id:
        yield segment("REF", "TJ", echo(payee.tax_id, "The provider's tax id (REF TJ)"))


def _offsets(remitted: Remitted, offsets: list[Offset]) -> Iterator[str]:
    """PLB by the provider's year, which ends with the calendar's."""
    payee = remitted.payee.npi or remitted.payee.tax_id
    for at in range(0, len(offsets), AT_ONCE):
        pairs = []
        for offset in offsets[at : at + AT_ONCE]:
            pairs += [composite(offset.reason, echo(offset.reference, "A reference (PLB)")), money(offset.amount)]
        yield segment("PLB", payee, f"{remitted.paid_on.year:04d}1231", *pairs)
