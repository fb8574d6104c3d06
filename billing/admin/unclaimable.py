"""Services of which no claim can be made yet: what they lack, and the dollars that wait for it."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern
from django.views.decorators.http import require_POST

from backoffice import audit
from backoffice.access import may, may_run, shown
from backoffice.exports import Row, csv_download, xlsx_download
from backoffice.formats import words
from backoffice.lists import Filter, Listing
from backoffice.staffadmin import StaffAdmin
from billing.admin.listed import REGION, RUN
from billing.jobs import CLAIM_SERVICES
from billing.models import Unclaimable
from clinic.money import dollars, in_cents

DOWNLOADS = {"csv": csv_download, "xlsx": xlsx_download}
COLUMNS = ("region", "appointment_id", "service", "day", "missing", "at_stake", "first_seen_at")
# What is missing, and the file of load_billing that has it.
LACKS = {
    "patient": ("The patient is not known", "patients.csv"),
    "payer": ("The payer is not known", "payers.csv"),
    "provider": ("The department has no billing provider", "billing_providers.csv"),
    "charge": ("The block is not in the charge master", "charge_master.csv"),
    "diagnosis": ("The case has no diagnosis", "diagnoses.csv"),
}
OF_PATIENT = "patient."
PATIENT = "patient"


def lacking(rows: QuerySet[Any], what: str) -> QuerySet[Any]:
    """Rows that lack this among other things: `lacks` is each of them once, joined by ";"."""
    return rows.filter(lacks__contains=what)


FILTERS = (
    Filter(
        name="state", title="State", apply=lambda rows, value: rows.filter(closed_at__isnull=value == "open"),
        choices=lambda request: [("open", "Open"), ("closed", "Claimed since")], default="open",
    ),
    REGION,
    Filter(
        name="lacks", title="What is missing", apply=lacking,
        choices=lambda request: [(name, name.capitalize()) for name in LACKS],
    ),
    RUN,
)  # fmt: skip


@admin.register(Unclaimable)
class UnclaimableAdmin(StaffAdmin):
    """Rows are opened and closed by the job that makes claims. What is missing is loaded, not typed in here."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("region", "loaded")

    def get_urls(self) -> list[URLPattern]:
        return [self.page_at("export/", require_POST(self.export), "billing_unclaimable_export"), *super().get_urls()]

    def listing(self, request: HttpRequest) -> Listing:
        """The most dollars first."""
        self.check_may_see(request)
        rows = self.get_queryset(request).order_by("-at_stake", "-id")
        return Listing(
            request, rows, FILTERS, search=lambda found, text: found.filter(appointment_id=text), sort="at_stake"
        )

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        listing = self.listing(request)
        page = list(listing.page)
        audit.record_views(Unclaimable, [row.pk for row in page], masked=not may(request.user, "patient_data"))
        context = {
            **self.admin_site.each_context(request),
            "title": "Unclaimable services",
            "listing": listing,
            "rows": [{"row": row, "missing": missing_of(request, row)} for row in page],
            "at_stake": None if listing.paginator.more else dollars(_cents(listing.rows)),
            "may_export": may(request.user, "export"),
            "may_start": may_run(request.user, CLAIM_SERVICES.start_verb),
        }
        return TemplateResponse(request, "admin/billing/unclaimable.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """There is no more to one than its row in the list."""
        row: Unclaimable = self.row_or_404(request, object_id)
        audit.record_view(row, masked=not may(request.user, "patient_data"))
        one = {"row": row, "missing": missing_of(request, row)}
        title = f"Unclaimable service {row.pk}"
        context = {**self.admin_site.each_context(request), "title": title, "one": one}
        return TemplateResponse(request, "admin/billing/unclaimable_one.html", context)

    def export(self, request: HttpRequest) -> HttpResponse:
        """The list as its filters have it; who took it out stands in the audit log."""
        if not may(request.user, "export"):
            raise PermissionDenied
        rows = self.listing(request).rows
        masked = not may(request.user, "patient_data")
        audit.record_views(Unclaimable, rows.values_list("pk", flat=True), masked=masked, export=True)
        download = DOWNLOADS.get(request.POST.get("format", ""), csv_download)
        return download("unclaimable-services", COLUMNS, export_rows(request, rows))


def _cents(rows: QuerySet[Unclaimable]) -> int | None:
    found: int | None = rows.order_by().aggregate(cents=Sum(in_cents("at_stake")))["cents"]
    return found


def missing_of(request: HttpRequest, row: Unclaimable) -> list[dict[str, str]]:
    """What it lacks, in words: which record, and the file that has it. A patient's reference as the user may see it."""
    return [_missing(request, what, key) for what, key in row.missing]


def _missing(request: HttpRequest, what: str, key: str) -> dict[str, str]:
    if what.startswith(OF_PATIENT):
        says, file = f"The patient has no {words(what.removeprefix(OF_PATIENT))}", LACKS[PATIENT][1]
    else:
        says, file = LACKS.get(what, (words(what), ""))
    of_patient = what == PATIENT or what.startswith(OF_PATIENT)
    return {"says": says, "key": shown(request.user, key) if of_patient else key, "file": file}


def export_rows(request: HttpRequest, rows: QuerySet[Unclaimable]) -> Iterator[Row]:
    for row in rows.iterator(chunk_size=500):
        missing = "; ".join(f"{each['says']} ({each['key']})" for each in missing_of(request, row))
        service = row.loaded.service_id if row.loaded else ""
        yield (
            row.region.name, row.appointment_id, service, row.day, missing, row.at_stake,
            row.first_seen_at.isoformat(),
        )  # fmt: skip
