"""Failures in the admin: a list that the counters of a run link to, and the page of one."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from backoffice.access import scoped
from backoffice.lists import Choices, Filter, Listing, by, first_values, is_id, region_choices
from backoffice.runs.admin.runs import job_choices
from backoffice.runs.models import Failure, Resolution, Run
from backoffice.runs.reasons import fault_of, titled, with_fault
from backoffice.runs.registry import job_named
from backoffice.staffadmin import StaffAdmin

RUNS_OFFERED = 30


def of_chain(rows: QuerySet[Any], value: str) -> QuerySet[Any]:
    """Failures of every attempt that the run's figures cover."""
    if not is_id(value):
        return rows.none()
    return rows.filter(run__chain__in=Run.objects.filter(pk=int(value)).values("chain"))


def narrowed(request: HttpRequest) -> QuerySet[Any]:
    """The user's failures, newest first, of the run and the region that the address names."""
    rows = scoped(Failure.objects.order_by("-id"), request.user, "run__region")
    wanted = {name: request.GET.get(name, "all") for name in ("run", "region")}
    if wanted["run"] not in ("", "all"):
        rows = of_chain(rows, wanted["run"])
    return rows if wanted["region"] in ("", "all") else rows.filter(run__region__name=wanted["region"])


def category_choices(request: HttpRequest) -> Choices:
    found, _ = first_values([narrowed(request)], "category")
    return _offered(request, "category", {category for (category,) in found})


def fault_choices(request: HttpRequest) -> Choices:
    """Reasons without their codes, of the category that the address names."""
    rows, category = narrowed(request), request.GET.get("category", "all")
    found, _ = first_values([rows if category in ("", "all") else rows.filter(category=category)], "reason")
    return _offered(request, "fault", {fault_of(reason) for (reason,) in found})


def run_choices(request: HttpRequest) -> Choices:
    """The newest runs, and the one that the address names."""
    wanted = request.GET.get("run", "")
    runs = scoped(Run.objects.order_by("-id"), request.user)
    newest = list(runs.values_list("pk", flat=True)[:RUNS_OFFERED])
    if is_id(wanted) and int(wanted) not in newest:
        newest.append(int(wanted))
    return [(str(pk), f"Run {pk}") for pk in newest]


def _offered(request: HttpRequest, name: str, found: set[str]) -> Choices:
    """What was found, and what the address says: it stays chosen though no row has it."""
    chosen = {request.GET.get(name, "")} - {"", "all"}
    return [(code, titled(code)) for code in sorted(found | chosen)]


FILTERS = (
    Filter(name="job", title="Job", apply=by("run__job"), choices=job_choices),
    Filter(name="run", title="Run", apply=of_chain, choices=run_choices),
    Filter(name="region", title="Region", apply=by("run__region__name"), choices=region_choices),
    Filter(name="category", title="Category", apply=by("category"), choices=category_choices),
    Filter(
        name="fault",
        title="Reason",
        apply=lambda rows, value: with_fault(rows, "reason", (value,)),
        choices=fault_choices,
    ),
    Filter(
        name="resolution",
        title="Resolution",
        apply=by("resolution"),
        choices=lambda request: [(value, label.capitalize()) for value, label in Resolution.choices],
    ),
    Filter(name="reason", title="Exactly", apply=by("reason")),
)


@admin.register(Failure)
class FailureAdmin(StaffAdmin):
    """Read only: a failure is resolved where its item is."""

    region_path = "run__region"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("run__region")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        self.check_may_see(request)
        rows = self.get_queryset(request).order_by("-id")
        listing = Listing(request, rows, FILTERS, search=lambda found, text: found.filter(reference=text))
        context = {**self.admin_site.each_context(request), "title": "Failures", "listing": listing}
        return TemplateResponse(request, "admin/runs/failures.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        failure = self.row_or_404(request, object_id)
        item_admin = job_named(failure.run.job).item_admin
        context = {
            **self.admin_site.each_context(request),
            "title": f"Failure {failure.pk}",
            "failure": failure,
            "item": [f"admin/runs/item_{failure.run.job}.html", "admin/runs/item.html"],
            "item_url": reverse(f"admin:{item_admin}_changelist") if item_admin else "",
        }
        return TemplateResponse(request, "admin/runs/failure.html", context)
