"""The worklist's filters, and its rows as a page shows them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from django.db.models import Count, Q, QuerySet, Sum
from django.http import HttpRequest

from backoffice.access import scoped, shown
from backoffice.formats import today_in
from backoffice.lists import Choices, Filter, Listing, as_choices, by, by_id, is_id, region_choices
from backoffice.runs.models import Run
from clinic.admin import reasons
from clinic.models import ACTIONABLE, MissingService, MissingServiceStatus
from clinic.money import dollars, in_cents
from clinic.urgency import WARN_SHARE, is_near
from regions.models import Region

Rows = QuerySet[MissingService]
TO_DO = "todo"
FEW_REGIONS = 8


def of_chain(rows: Rows, value: str) -> Rows:
    """Rows that an attempt of the run's chain was the last to touch."""
    if not is_id(value):
        return rows.none()
    return rows.filter(run__chain__in=Run.objects.filter(pk=int(value)).values("chain"))


def due(rows: Rows, value: str) -> Rows:
    """By what is left of the time to file, each region by its own calendar and its own number of days."""
    either = Q(pk__in=())
    for region in Region.objects.all():
        today = today_in(region.zone)
        warned = int(region.filing_days * (1 - WARN_SHARE))
        late = Q(filing_deadline__lt=today)
        soon = Q(filing_deadline__gte=today, filing_deadline__lte=today + timedelta(days=warned))
        either |= Q(region=region) & (late if value == "late" else soon)
    return rows.filter(either)


def with_status(rows: Rows, value: str) -> Rows:
    return rows.filter(status__in=ACTIONABLE) if value == TO_DO else rows.filter(status=value)


def reason_choices(request: HttpRequest) -> Choices:
    """The reasons of the user's rows that the address's region, status and category leave."""
    category = request.GET.get("category", "")
    rows = scoped(MissingService.objects.all(), request.user)
    of_category = category if category in reasons.CATEGORIES else ""
    return reasons.choices(streams(request, rows), of_category, request.GET.get("fault", ""))


FILTERS = (
    Filter(
        name="status",
        title="Status",
        apply=with_status,
        choices=lambda request: [(TO_DO, "To do: open and found"), *as_choices(MissingServiceStatus.choices)],
        default=MissingServiceStatus.OPEN,
    ),
    Filter(name="region", title="Region", apply=by("region__name"), choices=region_choices),
    Filter(
        name="category",
        title="Category",
        apply=by("category"),
        choices=lambda request: [(word, word.replace("_", " ").capitalize()) for word in reasons.CATEGORIES],
    ),
    Filter(name="fault", title="Reason", apply=reasons.with_fault, choices=reason_choices),
    Filter(
        name="due",
        title="Time to file",
        apply=due,
        choices=lambda request: [("soon", "80 % used"), ("late", "Past the deadline")],
    ),
    Filter(
        name="assignee",
        title="Assignee",
        apply=lambda rows, value: rows.filter(assignee=None) if value == "none" else rows.filter(assignee=int(value)),
        choices=lambda request: [(str(request.user.pk), "Me"), ("none", "Nobody")],
    ),
    Filter(name="outcome", title="Outcome", apply=by("outcome")),
    Filter(name="department", title="Department", apply=by("department_id")),
    Filter(name="blocked_by", title="Held up by", apply=by("blocked_by")),
    Filter(name="faults", title="Reasons", apply=reasons.with_faults),
    Filter(name="run", title="Run", apply=of_chain),
    Filter(name="id", title="Row", apply=by_id("pk")),
)


def streams(request: HttpRequest, rows: Rows) -> list[Rows]:
    """The filtered rows, one stream for each beginning of an index: region and status, or status for many regions."""
    wanted = request.GET.get("status", MissingServiceStatus.OPEN)
    known = {TO_DO: ACTIONABLE, "all": tuple(MissingServiceStatus), "": tuple(MissingServiceStatus)}
    statuses = [rows.filter(status=status) for status in known.get(wanted, (wanted,))]
    regions = scoped(Region.objects.all(), request.user, "")
    name = request.GET.get("region", "all")
    if name not in ("", "all"):
        regions = regions.filter(name=name)
    ids = list(regions.values_list("pk", flat=True))
    return statuses if len(ids) > FEW_REGIONS else [each.filter(region=pk) for pk in ids for each in statuses]


def with_id(rows: Rows, appointment_id: str) -> Rows:
    """The rows of an appointment: region by region, as the unique index has them."""
    return rows.filter(region__in=list(Region.objects.values_list("pk", flat=True)), appointment_id=appointment_id)


@dataclass(frozen=True, kw_only=True, slots=True)
class Worth:
    """What a list comes to; `unknown` of its rows have no figure."""

    at_stake: Decimal
    unknown: int


def worth_of(listing: Listing) -> Worth | None:
    """The money at stake of the whole list; None where it is longer than it is counted."""
    if listing.paginator.more:
        return None
    if listing.paginator.num_pages == 1:  # all of it has been read
        known = [row.at_stake for row in listing.page if row.at_stake is not None]
        return Worth(at_stake=sum(known, Decimal(0)), unknown=len(listing.page) - len(known))
    cents = unknown = 0
    for rows in listing.paginator.streams:
        found = rows.order_by().aggregate(cents=Sum(in_cents("at_stake")), unknown=Count("pk", filter=Q(at_stake=None)))
        cents += found["cents"] or 0
        unknown += found["unknown"]
    return Worth(at_stake=dollars(cents), unknown=unknown)


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """One row for people: `patient` as this user may see it; `tone` is late, warn or empty."""

    row: MissingService
    patient: str
    age: int
    days_left: int
    tone: str

    @property
    def days_over(self) -> int:
        return -self.days_left


def as_shown(request: HttpRequest, rows: Iterable[MissingService]) -> list[Shown]:
    result = []
    for row in rows:
        today = today_in(row.region.zone)
        visit = row.start.astimezone(row.region.zone).date()
        left = (row.filing_deadline - today).days
        near = is_near(row.filing_deadline, today, row.region.filing_days)
        tone = "late" if left < 0 else "warn" if near else ""
        patient = shown(request.user, row.patient_id)
        result.append(Shown(row=row, patient=patient, age=(today - visit).days, days_left=left, tone=tone))
    return result


def net_of(each: Shown) -> Decimal | None:
    """What may still be collected of a row, as stakes.py counts it: nothing after the deadline."""
    if each.row.at_stake is None or each.days_left < 0:
        return None if each.row.at_stake is None else Decimal(0)
    return (each.row.at_stake * each.row.region.collection_percent / 100).quantize(Decimal("0.01"))
