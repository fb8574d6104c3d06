"""The 835s of a remittance as its page shows them: where each stands, and what it takes back or leaves to the next."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Q, QuerySet

from claims.controls import dollars
from claims.models import Remittance, RemittanceDocument
from claims.pipeline.documents import documents_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """`takes_back`: traces of the void payments whose claims it reverses. `carried`: what these leave below zero."""

    document: RemittanceDocument
    takes_back: tuple[str, ...]
    carried: Decimal


def payments_of(row: Remittance) -> QuerySet[RemittanceDocument]:
    """Its 835s that stand."""
    return documents_of(row.night).filter(provider_npi=row.provider_npi).order_by("number")


def payments_shown(row: Remittance) -> Iterator[Shown]:
    standing = list(payments_of(row).select_related("carried_in"))
    reversed_there = RemittanceDocument.objects.filter(reversed_in__in=standing).order_by("number")
    for each in standing:
        traces = tuple(earlier.trace for earlier in reversed_there if earlier.reversed_in_id == each.pk)
        yield Shown(document=each, takes_back=traces, carried=dollars(each.carried))


def taken_back(row: Remittance) -> QuerySet[RemittanceDocument]:
    """Payments of the night to the provider that were handed out before it was undone. `reversed_in` is where they are
    taken back, None until then."""
    mine = Q(region=row.night.region_id, run_date=row.night.run_date, provider_npi=row.provider_npi)
    left = RemittanceDocument.objects.filter(mine, voided_at__isnull=False, handed_out_at__isnull=False)
    return left.select_related("reversed_in").order_by("number")
