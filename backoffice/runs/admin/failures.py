"""Failures in the admin: a list that the counters of a run link to, and the page of one."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from backoffice.lists import Filter, Listing, by, is_id, region_choices
from backoffice.runs.admin.runs import job_choices
from backoffice.runs.models import Failure, Resolution, Run
from backoffice.runs.registry import job_named
from backoffice.staffadmin import StaffAdmin


def of_chain(rows: QuerySet[Any], value: str) -> QuerySet[Any]:
    """Failures of every attempt that the run's figures cover."""
    if not is_id(value):
        return rows.none()
    return rows.filter(run__chain__in=Run.objects.filter(pk=int(value)).values("chain"))


FILTERS = (
    Filter(name="job", title="Job", apply=by("run__job"), choices=job_choices),
    Filter(name="region", title="Region", apply=by("run__region__name"), choices=region_choices),
    Filter(
        name="resolution",
        title="Resolution",
        apply=by("resolution"),
        choices=lambda request: [(value, label.capitalize()) for value, label in Resolution.choices],
    ),
    Filter(name="run", title="Run", apply=of_chain),
    Filter(name="category", title="Category", apply=by("category")),
    Filter(name="reason", title="Reason", apply=by("reason")),
)


@admin.register(Failure)
class FailureAdmin(StaffAdmin):
    """Read only: a failure is resolved where its item is."""

    region_path = "run__region"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("run__region")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        rows = self.get_queryset(request).order_by("-id")
        listing = Listing(request, rows, FILTERS, search=lambda found, text: found.filter(reference=text))
        context = {**self.admin_site.each_context(request), "title": "Failures", "listing": listing}
        return TemplateResponse(request, "admin/runs/failures.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        failure = self.get_object(request, object_id)
        if failure is None:
            raise Http404
        item_admin = job_named(failure.run.job).item_admin
        context = {
            **self.admin_site.each_context(request),
            "title": f"Failure {failure.pk}",
            "failure": failure,
            "item_url": reverse(f"admin:{item_admin}_changelist") if item_admin else "",
        }
        return TemplateResponse(request, "admin/runs/failure.html", context)
