"""What waits for a person in billing, with its dollars: for the dashboard."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Count, QuerySet, Sum

from billing.admin.clock import late_of
from billing.admin.listed import refused
from billing.admin.words import REJECTED
from billing.models import Answer, Batch, Claim, Document, Payment, Unclaimable
from billing.settling import ZIPS_IN_PART
from clinic.money import dollars, in_cents
from regions.models import Region


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """So many of `noun`, of so many dollars, None where nobody knows; `query` narrows the list at `url_name` to
    them."""

    title: str
    noun: str
    number: int
    dollars: Decimal | None
    url_name: str
    query: str = ""


def waiting_of(regions: Sequence[Region]) -> list[Waiting]:
    """Only what there is any of, in the order in which a claim goes: a query for each kind."""
    return [each for each in _all(regions) if each.number]


def _all(regions: Sequence[Region]) -> Iterator[Waiting]:
    claims = Claim.objects.filter(region__in=regions)
    unclaimable = Unclaimable.objects.filter(region__in=regions, closed_at=None)
    yield _of("Unclaimable", "service", unclaimable, "at_stake", "admin:billing_unclaimable_changelist")
    yield _of("Refused", "claim", refused(claims), "charge", "admin:billing_refused")
    unconfirmed = Batch.objects.filter(region__in=regions, state=Batch.State.UNCONFIRMED)
    batches = "admin:billing_batch_changelist"
    yield _of("Sent, unconfirmed", "batch,batches", unconfirmed, "charge", batches, "?state=unconfirmed")
    for late in late_of(regions):
        yield Waiting(
            title=f"{late.title} within {late.limit}", noun=late.clock.noun, number=late.number, dollars=late.charge,
            url_name=late.clock.url_name, query=f"?late={late.name}",
        )  # fmt: skip
    for state in REJECTED:
        rows = claims.filter(state=state, withdrawn=False, versions=None)
        yield _of(state.capitalize(), "claim", rows, "charge", "admin:billing_claim_changelist", f"?state={state}")
    open_ones = Answer.objects.filter(region__in=regions, resolved_at=None)
    yield _of("Unmatched", "answer", open_ones, "amount", "admin:billing_answer_changelist")
    parked = Payment.objects.filter(region__in=regions, state=Payment.State.PARKED)
    yield _of("Parked", "payment", parked, "total", "admin:billing_payment_changelist", "?state=parked")
    payments = Payment.objects.filter(region__in=regions, state=Payment.State.UNMATCHED)
    yield Waiting(
        title="No claim is ours", noun="payment", number=payments.count(), dollars=None,
        url_name="admin:billing_payment_changelist", query="?state=unmatched",
    )  # fmt: skip
    files = Document.objects.filter(region__in=regions, state=Document.State.UNREADABLE)
    yield Waiting(
        title="Not readable", noun="file", number=files.count(), dollars=None,
        url_name="admin:billing_document_changelist", query="?state=unreadable",
    )  # fmt: skip
    zips = Document.objects.filter(ZIPS_IN_PART, region__in=regions)
    yield Waiting(
        title="Not taken whole", noun="ZIP", number=zips.count(), dollars=None,
        url_name="admin:billing_document_changelist", query="?state=partly&kind=ZIP",
    )  # fmt: skip


def _of(title: str, noun: str, rows: QuerySet[Any], money: str, url_name: str, query: str = "") -> Waiting:
    found = rows.order_by().aggregate(number=Count("pk"), cents=Sum(in_cents(money)))
    return Waiting(
        title=title, noun=noun, number=found["number"], dollars=dollars(found["cents"]), url_name=url_name, query=query
    )
