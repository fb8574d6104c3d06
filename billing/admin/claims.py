"""Claims in the admin: the list with its sums, the page of one with its thread, and the claims that rules refuse."""

from functools import partial
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern
from django.views.decorators.http import require_POST

from backoffice import audit
from backoffice.access import may, may_run, shown
from backoffice.exports import csv_download, xlsx_download
from backoffice.lists import Listing
from backoffice.staffadmin import StaffAdmin
from billing.admin import listed
from billing.admin.again import again_page, open_to
from billing.admin.claim import page_of, person_of
from billing.admin.clock import clock_page
from billing.admin.start import pages
from billing.admin.words import FREQUENCIES, TONES
from billing.jobs import SUBMIT_CLAIMS
from billing.models import Claim
from billing.visits import visit_of
from clinic.booking.admin.thread import thread_of

DOWNLOADS = {"csv": csv_download, "xlsx": xlsx_download}


@admin.register(Claim)
class ClaimAdmin(StaffAdmin):
    """Claims are made by a job and moved by what is said of them; a person makes a new version, or withdraws one."""

    patient_fields = ("patient_id", "content")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("region", "batch_set__batch").defer("content")

    def get_urls(self) -> list[URLPattern]:
        each_context = self.admin_site.each_context
        return [
            self.page_at("refused/", self.refused, "billing_refused"),
            self.page_at("export/", require_POST(self.export), "billing_claims_export"),
            self.page_at("clock/", partial(clock_page, each_context=each_context), "billing_clock"),
            self.page_at("<int:pk>/again/<slug:name>/", self.again, "billing_claim_again"),
            *(self.page_at(f"start/{job.name}/", page, f"start_{job.name}") for job, page in pages(each_context)),
            *super().get_urls(),
        ]

    def listing(self, request: HttpRequest) -> Listing:
        self.check_may_see(request)
        rows = self.get_queryset(request).order_by("-id")
        split = partial(listed.split, request)
        return Listing(request, rows, listed.FILTERS, search=listed.with_number, split=split)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        listing = self.listing(request)
        return TemplateResponse(request, "admin/billing/claims.html", self._context(request, "Claims", listing))

    def refused(self, request: HttpRequest) -> HttpResponse:
        """The worklist of what is not sent because a rule is broken."""
        self.check_may_see(request)
        rows = listed.refused(self.get_queryset(request)).order_by("-id")
        filters = (listed.REGION, listed.REASON, listed.KIND, listed.PAYER, listed.RUN)
        listing = Listing(request, rows, filters, search=listed.with_number)
        return TemplateResponse(
            request, "admin/billing/refused.html", self._context(request, "Refused claims", listing)
        )

    def _context(self, request: HttpRequest, title: str, listing: Listing) -> dict[str, Any]:
        page = list(listing.page)
        audit.record_views(Claim, [row.pk for row in page], masked=True)
        return {
            **self.admin_site.each_context(request),
            "title": title,
            "listing": listing,
            "rows": [{"row": row, "tone": TONES.get(row.state, "")} for row in page],
            "sums": listed.sums_of(listing),
            "frequencies": FREQUENCIES,
            "may_export": may(request.user, "export"),
            "may_start": may_run(request.user, SUBMIT_CLAIMS.start_verb),
        }

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        claim: Claim = self.row_or_404(request, object_id)
        shows = self.shows_patients(request)
        audit.record_view(claim, masked=not shows)
        visit = visit_of(claim)
        if visit.appointment is not None:
            audit.record_view(visit.appointment, masked=not shows)
        context = {
            **self.admin_site.each_context(request),
            **page_of(claim),
            "thread_rows": thread_of(request.user, visit),
            "title": f"Claim {claim.control}",
            "patient": shown(request.user, claim.patient_id),
            "person": person_of(claim) if shows else None,
            "actions": open_to(request, claim),
        }
        return TemplateResponse(request, "admin/billing/claim.html", context)

    def again(self, request: HttpRequest, pk: int, name: str) -> HttpResponse:
        claim: Claim = self.row_or_404(request, str(pk))
        return again_page(request, claim, name, self.admin_site.each_context(request))

    def export(self, request: HttpRequest) -> HttpResponse:
        """The list as its filters have it; who took it out stands in the audit log."""
        if not may(request.user, "export"):
            raise PermissionDenied
        rows = self.listing(request).rows
        audit.record_views(Claim, rows.values_list("pk", flat=True), masked=True, export=True)
        download = DOWNLOADS.get(request.POST.get("format", ""), csv_download)
        return download("claims", listed.COLUMNS, listed.export_rows(rows))
