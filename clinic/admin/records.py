"""What recovery wrote, what it cannot say whether it wrote, and what is billed without support: lists to read."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from backoffice import audit
from backoffice.access import shown
from backoffice.lists import Filter, Listing, as_choices, by, region_choices
from backoffice.staffadmin import StaffAdmin
from clinic.admin.rows import of_chain
from clinic.models import MissingService, ServiceWrite, UnsupportedService, WriteState

REGION = Filter(name="region", title="Region", apply=by("region__name"), choices=region_choices)
RUN = Filter(name="run", title="Run", apply=of_chain)
WRITE_FILTERS = (
    Filter(name="state", title="State", apply=by("state"), choices=lambda request: as_choices(WriteState.choices)),
    REGION,
    Filter(
        name="outcome",
        title="Outcome",
        apply=lambda rows, value: rows.filter(outcome=value, state__in=(WriteState.WRITTEN, WriteState.PREVIEWED)),
    ),
    RUN,
)
UNSUPPORTED_FILTERS = (
    Filter(
        name="state",
        title="State",
        apply=lambda rows, value: rows.filter(closed=value == "closed"),
        choices=lambda request: [("open", "Open"), ("closed", "No longer found")],
        default="open",
    ),
    REGION,
    Filter(
        name="reason",
        title="Why",
        apply=by("reason"),
        choices=lambda request: as_choices(UnsupportedService.Reason.choices),
    ),
    RUN,
)


class RecordAdmin(StaffAdmin):
    """A list of records that nobody changes here. Subclasses name their template, filters and title."""

    audited = True
    template = ""
    title = ""
    filters: tuple[Filter, ...] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("region")

    def as_shown(self, rows: list[Any]) -> list[Any]:
        """The rows of the page, with what its template needs beside their columns."""
        return rows

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return self.list_page(request, self.get_queryset(request), self.filters, self.template, self.title)

    def list_page(
        self, request: HttpRequest, rows: QuerySet[Any], filters: Sequence[Filter], template: str, title: str
    ) -> HttpResponse:
        self.check_may_see(request)
        listing = Listing(request, rows, filters, search=lambda found, text: found.filter(appointment_id=text))
        shown_rows = list(listing.page)
        audit.record_views(self.model, [row.pk for row in shown_rows], masked=True)
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "listing": listing,
            "rows": self.as_shown(shown_rows),
        }
        return TemplateResponse(request, template, context)


@admin.register(ServiceWrite)
class ServiceWriteAdmin(RecordAdmin):
    """The run's record of what it sent, or would have sent; and the list of writes that nobody answered for."""

    template = "admin/clinic/writes.html"
    title = "Writes"
    filters = WRITE_FILTERS
    ordering = ("-id",)

    def get_urls(self) -> list[URLPattern]:
        unknown = path("unknown/", self.admin_site.admin_view(self.unknown), name="recovery_unknown_writes")
        return [unknown, *super().get_urls()]

    def unknown(self, request: HttpRequest) -> HttpResponse:
        """Writes whose fate is open; the region's next run looks each up by its key before it does anything else."""
        rows = self.get_queryset(request).filter(state=WriteState.UNKNOWN)
        return self.list_page(request, rows, (REGION, RUN), "admin/clinic/unknown_writes.html", "Unknown writes")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        write = self.row_or_404(request, object_id)
        audit.record_view(write)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Write {write.pk}",
            "write": write,
            "patient": shown(request.user, str(write.appointment.get("patient_id", ""))),
            "services": [
                {"block": block, "quantity": quantity, "price": price, "value": Decimal(price) * quantity}
                for block, quantity, price in write.services
            ],
        }
        return TemplateResponse(request, "admin/clinic/write.html", context)


@admin.register(UnsupportedService)
class UnsupportedServiceAdmin(RecordAdmin):
    """Billed services that no rule and no activity supports. The program cancels nothing."""

    template = "admin/clinic/unsupported.html"
    title = "Unsupported services"
    filters = UNSUPPORTED_FILTERS

    def as_shown(self, rows: list[Any]) -> list[Any]:
        """Each says as `listed` whether the worklist has a row of its appointment."""
        found = MissingService.objects.filter(
            region__in={row.region_id for row in rows}, appointment_id__in={row.appointment_id for row in rows}
        )
        known = set(found.values_list("region_id", "appointment_id"))
        for row in rows:
            row.listed = (row.region_id, row.appointment_id) in known
        return rows
