"""The claims of a list: its filters, its search, what it comes to, and its rows as a file."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from django.db.models import Count, F, Q, QuerySet, Sum, TextField
from django.db.models.functions import Cast
from django.http import HttpRequest

from backoffice.access import scoped
from backoffice.exports import Row
from backoffice.formats import today_in
from backoffice.lists import Choices, Filter, Listing, as_choices, by, by_id, region_choices
from backoffice.runs.admin.failures import of_chain
from billing.admin.clock import NO_277CA, NO_835, filter_of
from billing.models import BillingPayer, Claim
from billing.models.claims import STATES
from claims.edi.claims import Kind
from claims.edi.rules import CLAIM_RULES, LINE_RULES
from claims.edi.status import State
from clinic.money import dollars, in_cents
from regions.models import Region

Rows = QuerySet[Claim]
PAYERS_OFFERED = 200
WRITER = "writer"
COLUMNS = (
    "region", "claim", "version_of", "kind", "frequency", "appointment_id", "payer_id", "provider", "first_day",
    "last_day", "charge", "paid", "patient_share", "state", "corrected", "payer_claim", "refused", "changed_at",
)  # fmt: skip


def served(rows: Rows, value: str) -> Rows:
    """By the last day of service, counted in each region's own calendar: the last 30, 90 or 365 days, or before."""
    either = Q(pk__in=())
    for region in Region.objects.all():
        days = 365 if value == "older" else int(value)
        begins = today_in(region.zone) - timedelta(days=days)
        within = Q(last_day__lt=begins) if value == "older" else Q(last_day__gte=begins)
        either |= Q(region=region) & within
    return rows.filter(either)


def payer_choices(request: HttpRequest) -> Choices:
    """The payers that the user's regions have loaded, by name."""
    payers = scoped(BillingPayer.objects.all(), request.user).order_by("name", "payer_id")
    return list(dict(payers.values_list("payer_id", "name")[:PAYERS_OFFERED]).items())


def with_reason(rows: Rows, code: str) -> Rows:
    """Claims that this rule refuses: [[code, sentence], …] as text, which both databases write alike."""
    return rows.annotate(why=Cast("refused", TextField())).filter(why__contains=f'["{code}", ')


def reason_choices(request: HttpRequest) -> Choices:
    return [(code, code.replace("_", " ").capitalize()) for code in sorted({*CLAIM_RULES, *LINE_RULES, WRITER})]


def with_number(rows: Rows, text: str) -> Rows:
    """The claim of this number, or those of this visit."""
    return rows.filter(Q(control=text.upper()) | Q(appointment_id=text))


REGION = Filter(name="region", title="Region", apply=by("region__name"), choices=region_choices)
KIND = Filter(name="kind", title="Kind", apply=by("kind"), choices=lambda request: as_choices((k, k) for k in Kind))
PAYER = Filter(name="payer", title="Payer", apply=by("payer_id"), choices=payer_choices)
REASON = Filter(name="reason", title="Reason", apply=with_reason, choices=reason_choices)
RUN = Filter(name="run", title="Run", apply=of_chain)
FILTERS = (
    Filter(name="state", title="State", apply=by("state"), choices=lambda request: as_choices(STATES)),
    REGION,
    KIND,
    PAYER,
    Filter(
        name="days",
        title="Service days",
        apply=served,
        choices=lambda request: [
            ("30", "Last 30 days"),
            ("90", "Last 90 days"),
            ("365", "Last 365 days"),
            ("older", "Older"),
        ],
    ),
    filter_of(NO_277CA, NO_835),
    Filter(
        name="paid",
        title="Paid",
        apply=lambda rows, value: rows.filter(paid__gt=F("charge")),
        choices=lambda request: [("over", "More than billed")],
    ),
    Filter(name="batch", title="Batch", apply=by_id("batch_set__batch")),
    Filter(name="set", title="Set", apply=by_id("batch_set")),
    RUN,
)


def split(request: HttpRequest, rows: Rows) -> Sequence[Rows]:
    """One stream for each region where a state is asked for: the index begins with both."""
    if request.GET.get("state", "all") in ("", "all"):
        return [rows]
    regions = scoped(Region.objects.all(), request.user, "")
    name = request.GET.get("region", "all")
    if name not in ("", "all"):
        regions = regions.filter(name=name)
    return [rows.filter(region=pk) for pk in regions.values_list("pk", flat=True)] or [rows.none()]


@dataclass(frozen=True, kw_only=True, slots=True)
class Sums:
    """What a list comes to, in dollars; `paid` is what all its claims were paid together."""

    claims: int
    charge: Decimal
    paid: Decimal
    share: Decimal


def sums_of(listing: Listing) -> Sums | None:
    """None where the list is longer than it is counted."""
    return None if listing.paginator.more else summed(listing.paginator.streams)


def summed(streams: Sequence[Rows]) -> Sums:
    cents = {"charge": 0, "paid": 0, "share": 0}
    claims = 0
    for rows in streams:
        found = rows.order_by().aggregate(claims=Count("pk"), **{f"{name}_": Sum(in_cents(name)) for name in cents})
        claims += found["claims"]
        cents = {name: value + (found[f"{name}_"] or 0) for name, value in cents.items()}
    return Sums(claims=claims, **{name: dollars(value) for name, value in cents.items()})


def export_rows(rows: Rows) -> Iterator[Row]:
    """COLUMNS of the claims, in the order of the query; nothing of a person."""
    found = rows.select_related("region", "replaces").defer("content", "replaces__content")
    for row in found.iterator(chunk_size=500):
        yield (
            row.region.name, row.control, row.replaces.control if row.replaces else "", row.kind, row.frequency,
            row.appointment_id, row.payer_id, row.provider, row.first_day, row.last_day, row.charge, row.paid,
            row.share, row.state, "yes" if row.corrected else "", row.payer_claim,
            "; ".join(says for _, says in row.refused), row.changed_at.isoformat(),
        )  # fmt: skip


def refused(rows: Rows) -> Rows:
    """Claims that a rule keeps from being sent; nothing of them has left the house."""
    open_ones = rows.filter(state__in=(State.DRAFT, State.VALIDATED), withdrawn=False, batch_set=None)
    return open_ones.exclude(refused=[])
