"""An 835 that pays claims, balanced to the cent. Source: 005010X221A1."""

from collections.abc import Collection, Iterable, Iterator
from decimal import ROUND_HALF_UP, Decimal

from backoffice.sandbox.clearinghouse.answers import Answering, money, payer_number
from backoffice.sandbox.clearinghouse.submission import Claim, Line

CONTRACTUAL = Decimal("0.20")  # of a charge, which the provider writes off
COINSURANCE = Decimal("0.10")  # of a charge, which the patient pays
CENT = Decimal("0.01")
FILINGS = frozenset(
    ("12", "13", "14", "15", "16", "17", "AM", "CH", "DS", "HM", "LM", "MA", "MB", "MC", "OF", "TV", "VA", "WC", "ZZ")
)
Key = tuple[str, ...]


def era(answering: Answering, claims: Iterable[Claim], denied: Collection[str]) -> bytes:
    """A set for each payer and provider. Those of `denied` (CLM01) are paid nothing, for want of information."""
    payees: dict[Key, list[Claim]] = {}
    for claim in claims:
        key = (*claim.payer, *claim.provider.name, claim.provider.tax_id)
        payees.setdefault(key, []).append(claim)
    sets = [_payment(answering, at, theirs, denied) for at, theirs in enumerate(payees.values(), 1)]
    return answering.group("835", "005010X221A1", *sets)


def _payment(answering: Answering, at: int, claims: list[Claim], denied: Collection[str]) -> list[str]:
    body = [segment for claim in claims for segment in _claim(answering, claim, claim.account in denied)]
    paid = sum((_paid(line) for claim in claims if claim.account not in denied for line in claim.lines), Decimal(0))
    return [*_head(answering, at, claims[0], paid), "LX*1", *body]


def _head(answering: Answering, at: int, claim: Claim, paid: Decimal) -> Iterator[str]:
    how = "I" if paid else "H"
    yield f"BPR*{how}*{money(paid)}*C*{'CHK' if paid else 'NON'}************{answering.day}"
    yield f"TRN*1*SB{answering.number}{at:04d}*1999999999"
    yield f"DTM*405*{answering.day}"
    yield f"N1*PR*{claim.payer[2]}"
    yield "N3*1 PAYER SQUARE"
    yield "N4*SPRINGFIELD*IL*627010000"
    yield f"REF*2U*{claim.payer[8]}"
    yield "PER*BL*PROVIDER SERVICES*TE*2175550100"
    provider = claim.provider
    who = " ".join(part for part in (provider.name[3], provider.name[2]) if part)
    yield f"N1*PE*{who}*{f'XX*{provider.name[8]}' if provider.name[8] else f'FI*{provider.tax_id}'}"
    if provider.street and provider.city:
        yield "*".join(("N3", *provider.street)).rstrip("*")
        yield "*".join(("N4", *provider.city)).rstrip("*")
    if provider.name[8] and provider.tax_id:
        yield f"REF*TJ*{provider.tax_id}"


def _claim(answering: Answering, claim: Claim, denied: bool) -> Iterator[str]:
    paid = Decimal(0) if denied else sum((_paid(line) for line in claim.lines), Decimal(0))
    share = Decimal(0) if denied else sum((_part(line, COINSURANCE) for line in claim.lines), Decimal(0))
    filing = claim.filing if claim.filing in FILINGS else "12"
    place = (*claim.place, "", "", "")
    yield (
        f"CLP*{claim.account}*1*{money(claim.charge)}*{money(paid)}*{money(share)}*{filing}"
        f"*{payer_number(answering.to, claim)}*{place[0]}*{place[2]}"
    )
    yield "*".join(("NM1", "QC", *claim.patient[1:7], "MI", claim.member))
    for line in claim.lines:
        yield from _line(line, denied)


def _line(line: Line, denied: bool) -> Iterator[str]:
    paid = Decimal(0) if denied else _paid(line)
    yield f"SVC*{line.procedure}*{money(line.charge)}*{money(paid)}**{line.units}"
    first, last = (line.days or [""])[0], (line.days or [""])[-1]
    if first == last:
        yield f"DTM*472*{first}"
    else:
        yield f"DTM*150*{first}"
        yield f"DTM*151*{last}"
    taken = {"CO*16": line.charge} if denied else {
        "CO*45": _part(line, CONTRACTUAL), "PR*2": _part(line, COINSURANCE),
    }  # fmt: skip
    yield from (f"CAS*{reason}*{money(amount)}" for reason, amount in taken.items() if amount)
    if line.reference:
        yield f"REF*6R*{line.reference}"
    if not denied:
        yield f"AMT*B6*{money(line.charge - _part(line, CONTRACTUAL))}"
    else:
        yield "LQ*HE*M127"


def _part(line: Line, of: Decimal) -> Decimal:
    return (line.charge * of).quantize(CENT, ROUND_HALF_UP)


def _paid(line: Line) -> Decimal:
    """What the two adjustments leave."""
    return line.charge - _part(line, CONTRACTUAL) - _part(line, COINSURANCE)
