"""Where payments of a night go: each provider's lines by payer, and by who sent the claims."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from claims.edi.claims import Address
from claims.edi.clean import is_clean
from claims.edi.envelope import transactions
from claims.edi.findings import Findings
from claims.edi.npi import FORM
from claims.edi.outbound import Interchange
from claims.edi.payments import Payee, Remitter
from claims.models import Night, Provider, ReceivedClaim, Remittance, RemittancePayer
from claims.pipeline import files, verify
from claims.pipeline.stage import answer_to
from claims.pipeline.submitted import PREFIX

if TYPE_CHECKING:
    import polars as pl

REMITTANCE = "remittance"  # the output of the step
SUMS = ("claims", "lines", "billed", "paid")
AT_ONCE = 5_000
OURS = "NIGHTWARD"  # who sends what did not come as 837P
ANYBODY = "PROVIDER"  # whom it is sent to, where a provider's number cannot be an address


class Way(NamedTuple):
    """On whose behalf, from whom and to whom a payment is sent; of test claims (T) apart from the others (P)."""

    payer_id: str
    sender: str
    receiver: str
    usage: str


def sums(lines: pl.DataFrame) -> Counter[str]:
    """SUMS of the lines, amounts in cents."""
    return Counter(
        claims=lines["claim_id"].n_unique(), lines=lines.height, billed=int(lines["billed"].sum()),
        paid=int(lines["paid"].sum()),
    )  # fmt: skip


def no_lines() -> pl.DataFrame:
    """Of a payment that only takes back."""
    import polars as pl

    return pl.DataFrame(schema={"claim_id": pl.String, "billed": pl.Int64, "paid": pl.Int64})


def remitted_lines(night: Night, for_all: str) -> Iterator[tuple[str, Way, pl.DataFrame]]:
    """Provider, way and the remitted lines that go it, in order; `for_all`: the payer of claims that did not come as
    837P, "" where these are left out. A provider's lines are its header's, where none is left out."""
    for provider, lines in _by_provider(night, everything=bool(for_all)):
        header, found = Remittance.objects.get(night=night, provider_npi=provider), sums(lines)
        if header.lines == found["lines"]:
            for name in SUMS:
                verify.equal(f"remittance of {provider}", name, getattr(header, name), found[name])
        for way, of_way in _by_way(night, provider, lines, for_all):
            yield provider, way, of_way


def _by_provider(night: Night, *, everything: bool) -> Iterator[tuple[str, pl.DataFrame]]:
    """The files are sorted by provider; its lines may go on in the next one."""
    import polars as pl

    held: list[pl.DataFrame] = []
    for row in files.of_output(night, REMITTANCE):
        frame = files.load(row)
        if not everything:
            frame = frame.filter(pl.col("claim_id").str.starts_with(PREFIX))
        if frame.is_empty():
            continue
        *whole, last = pl.concat([*held, frame]).partition_by("provider_npi", maintain_order=True)
        for lines in whole:
            yield lines["provider_npi"][0], lines
        held = [last]
    for lines in held:
        yield lines["provider_npi"][0], lines


def _by_way(night: Night, provider: str, lines: pl.DataFrame, for_all: str) -> Iterator[tuple[Way, pl.DataFrame]]:
    """In the order of the ways."""
    import polars as pl

    claims = lines["claim_id"].unique(maintain_order=True).to_list()
    ways = _ways(night, claims)
    if for_all:
        receiver = provider if len(provider) > 1 and is_clean(provider, 15) else ANYBODY
        own = Way(payer_id=for_all, sender=OURS, receiver=receiver, usage="P")
        ways |= dict.fromkeys((claim for claim in claims if claim not in ways), own)
    for way in sorted(set(ways.values())):
        going = [claim for claim, its in ways.items() if its == way]
        yield way, lines.join(pl.DataFrame({"claim_id": going}), on="claim_id", how="semi", maintain_order="left")


def _ways(night: Night, claims: list[str]) -> dict[str, Way]:
    """Of those that came as 837P, by claim."""
    found: dict[str, Way] = {}
    left = iter(claims)
    while some := list(islice(left, AT_ONCE)):
        rows = ReceivedClaim.objects.filter(region=night.region_id, claim_id__in=some)
        names = ("claim_id", "payer_id", "received__receiver", "received__sender", "received__usage")
        found |= {claim: Way(*way) for claim, *way in rows.values_list(*names)}
    return found


def interchange(night: Night, way: Way, claim_id: str, number: int, when: datetime, reversed_835: bytes) -> Interchange:
    """The way back of the set in which the claim came; where that was discarded, the way of the 835 that is taken back,
    if one is. What did not come is sent to the provider itself."""
    claims = ReceivedClaim.objects.select_related("received")
    if claim := claims.filter(region=night.region_id, claim_id=claim_id).first():
        return answer_to(claim.received, number, when)
    if sent := next(transactions(reversed_835, Findings()), None):
        return Interchange(
            control=number, when=when, test=sent.usage == "T", sender_qualifier=sent.sender_qualifier,
            sender=sent.sender, receiver_qualifier=sent.receiver_qualifier, receiver=sent.receiver,
            group_sender=sent.group_sender, group_receiver=sent.group_receiver,
        )  # fmt: skip
    return Interchange(
        control=number, when=when, test=way.usage == "T", sender=way.sender, receiver=way.receiver,
        receiver_qualifier="ZZ", group_sender=way.sender, group_receiver=way.receiver,
    )  # fmt: skip


def payee_of(night: Night, provider: str, claim_id: str) -> Payee:
    """As the region's table names it; its tax id is that of the claim."""
    names = Provider.objects.filter(region=night.region_id, npi=provider).values_list("name", flat=True)
    tax_ids = ReceivedClaim.objects.filter(region=night.region_id, claim_id=claim_id).values_list("tax_id", flat=True)
    name, tax_id = names.first() or provider, tax_ids.first() or ""
    is_npi = FORM.fullmatch(provider)
    return Payee(name=name, npi=provider, tax_id=tax_id) if is_npi else Payee(name=name, tax_id=provider)


def remitter_of(payer: RemittancePayer) -> Remitter:
    return Remitter(
        name=payer.name, payer_id=payer.payer_id, tax_id=payer.tax_id, contact=payer.contact, phone=payer.phone,
        address=Address(street=payer.street, city=payer.city, state=payer.state, zip_code=payer.zip_code),
    )  # fmt: skip
