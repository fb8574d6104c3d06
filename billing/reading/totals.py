"""277CA: whether the clearinghouse's counts and sums of a set, and of each provider in it, are those that we sent.

Source: edi.md 6.3. Of the clearinghouse alone: a payer counts its own claims, of whatever sets they came in.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Count, Sum

from billing.models import BatchSet, BillingProvider, Claim
from billing.reading.said import Json, kept, kept_amount
from claims.edi.read_277ca import StatusAnswer
from claims.edi.status import CLEARINGHOUSE
from clinic.money import dollars, in_cents
from regions.models import Region

PROVIDERS_SHOWN = 50
ZERO = Decimal(0)


@dataclass(slots=True)
class _Told:
    """Σ of a batch's or provider's loops; None of what none of them says. `charge`: STC04; `split`: YU and YY."""

    claims: int | None = None
    charge: Decimal | None = None
    split: Decimal | None = None

    def add(self, head: StatusAnswer) -> None:
        if head.counted:
            self.claims = (self.claims or 0) + head.accepted + head.rejected
        if head.charge is not None:
            self.charge = (self.charge or ZERO) + head.charge
        if head.summed:
            self.split = (self.split or ZERO) + head.accepted_amount + head.rejected_amount

    def beside(self, claims: int, charge: Decimal) -> Json | None:
        """With what we sent; None where nothing is told."""
        amounts = [amount for amount in (self.charge, self.split) if amount is not None]
        if self.claims is None and not amounts:
            return None
        other = next((amount for amount in amounts if amount != charge), None)
        told = other if other is not None else next(iter(amounts), None)
        return {
            "claims": self.claims,
            "charge": None if told is None else str(kept_amount(told)),
            "sent_claims": claims,
            "sent_charge": str(charge),
            "differs": other is not None or self.claims not in (None, claims),
        }


def totals_of(region: Region, heads: Iterable[StatusAnswer], sets: Iterable[BatchSet]) -> Iterator[tuple[int, Json]]:
    """BatchSet id and its `told`, of each set of which something is told. Two queries for each, one for all."""
    told: dict[tuple[str, str], _Told] = defaultdict(_Told)
    for head in heads:
        if head.source == CLEARINGHOUSE:
            told[head.batch, head.provider if head.level == "provider" else ""].add(head)
    npis = {tax_id: npi for npi, tax_id in _providers(region)} if told else {}
    for one in sets:
        theirs = {provider: each for (batch, provider), each in told.items() if batch == one.reference and provider}
        whole = told.get((one.reference, ""), _Told()).beside(one.claims, one.charge)
        providers = list(_of_providers(one, theirs, npis))[:PROVIDERS_SHOWN] if theirs else []
        if whole or providers:
            differs = any(each["differs"] for each in (whole, *providers) if each)
            yield one.pk, {"whole": whole, "providers": providers, "differs": differs}


def _providers(region: Region) -> Iterable[tuple[str, str]]:
    return BillingProvider.objects.filter(region=region).exclude(npi="").values_list("npi", "tax_id")


def _of_providers(one: BatchSet, told: Mapping[str, _Told], npis: Mapping[str, str]) -> Iterator[Json]:
    """Each provider that we sent claims of, those that differ first. One of whom we sent none in this set is left out:
    the set's own total shows it."""
    rows: Any = Claim.objects.filter(batch_set=one).order_by().values("provider")
    rows = rows.annotate(n=Count("pk"), cents=Sum(in_cents("charge")))
    sent = {row["provider"]: (row["n"], dollars(row["cents"])) for row in rows}
    merged: dict[str, Json] = {}
    for provider, each in told.items():
        name = provider if provider in sent else npis.get(provider, "")
        if name in sent and (row := each.beside(*sent[name])):
            merged[name] = {"provider": kept(name, 10), **row}
    yield from sorted(merged.values(), key=lambda row: not row["differs"])
