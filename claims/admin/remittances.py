"""Remittances in the admin: what each provider is told and paid for a night, and why line by line."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from backoffice.access import may
from backoffice.audit import record_view
from backoffice.exports import csv_lines
from backoffice.lists import Filter, Listing, by, by_id, is_id, region_choices
from backoffice.runs.faults import Misuse, OutOfBalance
from backoffice.runs.models import RunStatus
from backoffice.staffadmin import StaffAdmin
from claims.admin.payments import payments_of, payments_shown, taken_back
from claims.admin.rejects import night_choices
from claims.controls import dollars, last_runs
from claims.models import Night, Provider, Remittance
from claims.pipeline.documents import hand_out
from claims.remittances import COLUMNS, csv_rows, lines_of

FILTERS = (
    Filter(name="night", title="Night", apply=by_id("night"), choices=night_choices),
    Filter(name="region", title="Region", apply=by("night__region__name"), choices=region_choices),
    Filter(name="order", title="Most first", apply=lambda rows, value: rows),
)
ORDERS = ("billed", "paid")
LINES_SHOWN = 100


@admin.register(Remittance)
class RemittanceAdmin(StaffAdmin):
    """Read only: they are written by the last step of a night."""

    region_path = "night__region"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("night__region")

    def get_urls(self) -> list[URLPattern]:
        download = path("<int:pk>/csv/", self.admin_site.admin_view(self.download), name="claims_remittance_csv")
        payment = path(
            "<int:pk>/835/<int:document>/", self.admin_site.admin_view(self.payment), name="claims_remittance_835"
        )
        return [download, payment, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        self.check_may_see(request)
        sort = order if (order := request.GET.get("order", "")) in ORDERS else ""
        rows = self.get_queryset(request).order_by(*([f"-{sort}"] if sort else []), "-id")
        listing = Listing(request, rows, FILTERS, search=lambda found, text: found.filter(provider_npi=text), sort=sort)
        page = list(listing.page)
        final = final_nights([row.night for row in page])
        context = {
            **self.admin_site.each_context(request),
            "title": "Remittances",
            "listing": listing,
            "rows": [
                {
                    "row": row,
                    "billed": dollars(row.billed),
                    "paid": dollars(row.paid),
                    "name": name_of(row),
                    "final": row.night_id in final,
                }
                for row in page
            ],
        }
        return TemplateResponse(request, "admin/claims/remittances.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row: Remittance = self.row_or_404(request, object_id)
        number = request.GET.get("p", "1")
        page = max(1, int(number)) if is_id(number) else 1
        record_view(row, region=row.night.region_id)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Remittance of {row.provider_npi}, night of {row.night.run_date}",
            "remittance": row,
            "name": name_of(row),
            "billed": dollars(row.billed),
            "paid": dollars(row.paid),
            "adjusted": dollars(row.billed - row.paid),
            "lines": list(lines_of(row, (page - 1) * LINES_SHOWN, LINES_SHOWN)),
            "page": page,
            "pages": -(-row.lines // LINES_SHOWN),
            "may_export": may(request.user, "export"),
            "payments": list(payments_shown(row)) if self._may_take_payments(request) else [],
            "taken_back": taken_back(row),
        }
        return TemplateResponse(request, "admin/claims/remittance.html", context)

    def download(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not self.has_export_permission(request):
            raise PermissionDenied
        row: Remittance = self.row_or_404(request, str(pk))
        if not row.night.complete:
            messages.error(request, f"The night of {row.night.run_date} is not complete: nothing of it is final.")
            return redirect("admin:claims_remittance_change", row.pk)
        record_view(row, region=row.night.region_id, export="csv")
        lines = csv_lines(COLUMNS, csv_rows(row))
        answer = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="remittance-{row.pk}.csv"'
        return answer  # type: ignore[return-value]

    def payment(self, request: HttpRequest, pk: int, document: int) -> HttpResponse:
        """An 835 as it was written. It names patients, which the CSV does not."""
        if not self._may_take_payments(request):
            raise PermissionDenied
        row: Remittance = self.row_or_404(request, str(pk))
        found = get_object_or_404(payments_of(row), pk=document)
        try:
            content = hand_out(found)
        except (Misuse, OutOfBalance) as refusal:
            messages.error(request, str(refusal))
            return redirect("admin:claims_remittance_change", row.pk)
        record_view(found, region=found.region_id, export="835")
        answer = HttpResponse(content, content_type="application/edi-x12")
        answer["Content-Disposition"] = f'attachment; filename="payment-{found.trace}.835"'
        return answer

    def _may_take_payments(self, request: HttpRequest) -> bool:
        return self.has_export_permission(request) and may(request.user, "patient_data")


def final_nights(nights: Sequence[Night]) -> set[int]:
    """Those whose last attempt is complete."""
    runs = last_runs(nights)
    return {night.pk for night in nights if (run := runs.get(night.chain)) and run.status == RunStatus.COMPLETE}


def name_of(row: Remittance) -> str:
    """The provider's name, as the region's table has it now."""
    found = Provider.objects.filter(region=row.night.region_id, npi=row.provider_npi).values_list("name", flat=True)
    return found.first() or ""
