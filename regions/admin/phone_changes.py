"""Each patient's telecom before and after: what a preview would change, and what a run has changed."""

import uuid
from collections.abc import Iterable, Iterator
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_POST

from backoffice import audit
from backoffice.access import may, shown
from backoffice.exports import Row, csv_download, xlsx_download
from backoffice.lists import Filter, Listing, as_choices, by, is_id, region_choices
from backoffice.runs.admin.failures import of_chain
from backoffice.staffadmin import StaffAdmin
from regions.models import PhoneRow, PhoneUpdate
from regions.sync.intents import telecom_after, telecom_before
from regions.sync.models import UpdateState
from regions.sync.telecom import Line, differences

COLUMNS = (
    "region", "run", "row", "patient_id", "state", "number", "removed", "added", "version_before", "version_after",
    "cleaned_by",
)  # fmt: skip
DOWNLOADS = {"csv": csv_download, "xlsx": xlsx_download}
TONES = {
    UpdateState.WRITTEN: "good",
    UpdateState.PREVIEWED: "",
    UpdateState.INTENDED: "busy",
    UpdateState.NOT_WRITTEN: "warn",
    UpdateState.UNKNOWN: "bad",
}


def with_row(rows: QuerySet[Any], text: str) -> QuerySet[Any]:
    """Changes that a row of the sheet led to."""
    return rows.filter(row=int(text)) if is_id(text) and int(text) < 2**31 else rows.none()


FILTERS = (
    Filter(name="state", title="State", apply=by("state"), choices=lambda request: as_choices(UpdateState.choices)),
    Filter(name="region", title="Region", apply=by("region__name"), choices=region_choices),
    Filter(name="run", title="Run", apply=of_chain),
)


@admin.register(PhoneUpdate)
class PhoneUpdateAdmin(StaffAdmin):
    """Read only: the run's record of what it changed, or would have changed."""

    patient_fields = ("patient_id", "change")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("region", "run")

    def get_urls(self) -> list[URLPattern]:
        export = self.admin_site.admin_view(require_POST(self.export))
        return [path("export/", export, name="phone_changes_export"), *super().get_urls()]

    def listing(self, request: HttpRequest) -> Listing:
        """The changes that the address asks for; of one run from the first row on, of several the newest first."""
        self.check_may_see(request)
        of_one = request.GET.get("run", "") not in ("", "all")
        rows = self.get_queryset(request).order_by(*(("row", "id") if of_one else ("-id",)))
        return Listing(request, rows, FILTERS, search=with_row, sort="row" if of_one else "", ascending=of_one)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        listing = self.listing(request)
        page = list(listing.page)
        masked = not self.shows_patients(request)
        audit.record_views(PhoneUpdate, [update.pk for update in page], masked=masked)
        context = {
            **self.admin_site.each_context(request),
            "title": "Phone changes",
            "listing": listing,
            "rows": as_shown(request, page),
            "masked": masked,
            "may_export": may(request.user, "export"),
            "may_start": may(request.user, "start_recovery"),
        }
        return TemplateResponse(request, "admin/regions/phone_changes.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        update: PhoneUpdate = self.row_or_404(request, object_id)
        audit.record_view(update, masked=not self.shows_patients(request))
        context = {
            **self.admin_site.each_context(request),
            "title": f"Phone change {update.pk}",
            "one": as_shown(request, [update])[0],
            "undone_by": PhoneUpdate.objects.filter(undoes=update, state=UpdateState.WRITTEN).first(),
            "masked": not self.shows_patients(request),
        }
        return TemplateResponse(request, "admin/regions/phone_change.html", context)

    def export(self, request: HttpRequest) -> HttpResponse:
        """The list as its filters have it; who took it out stands in the audit log."""
        if not may(request.user, "export"):
            raise PermissionDenied
        rows = self.listing(request).rows
        download = DOWNLOADS.get(request.POST.get("format", ""), csv_download)
        audit.record_views(PhoneUpdate, rows.values_list("pk", flat=True), masked=False, export=True)
        return download("phone-changes", COLUMNS, export_rows(rows))


def as_shown(request: HttpRequest, updates: Iterable[PhoneUpdate]) -> list[dict[str, Any]]:
    """Each change with its patient, its entries before and after, and what cleaning had to do to the number."""
    page = list(updates)
    may_see = may(request.user, "patient_data")
    rows = _rows_behind(page)
    return [
        {
            "update": update,
            "patient": shown(request.user, update.patient_id),
            "lines": lines_of(update) if may_see else [],
            "row": rows.get((update.run.chain, update.row)),
            "tone": TONES[UpdateState(update.state)],
        }
        for update in page
    ]


def lines_of(update: PhoneUpdate) -> list[Line]:
    return differences(telecom_before(update), telecom_after(update))


def _rows_behind(updates: list[PhoneUpdate]) -> dict[tuple[uuid.UUID, int], PhoneRow]:
    """{(chain, row): the row that led to the change}: it was committed by that attempt of the run, or a later one."""
    found = PhoneRow.objects.filter(
        run__chain__in={update.run.chain for update in updates}, row__in={update.row for update in updates}
    )
    return {(row.run.chain, row.row): row for row in found.select_related("run").defer("key")}


def export_rows(updates: QuerySet[PhoneUpdate]) -> Iterator[Row]:
    """COLUMNS of the changes, in the order of the query."""
    batch: list[PhoneUpdate] = []
    for update in updates.iterator(chunk_size=500):
        batch.append(update)
        if len(batch) == 500:
            yield from _exported(batch)
            batch = []
    yield from _exported(batch)


def _exported(batch: list[PhoneUpdate]) -> Iterator[Row]:
    rows = _rows_behind(batch)
    for update in batch:
        lines, row = lines_of(update), rows.get((update.run.chain, update.row))
        gone, came = ("\n".join(one.text for one in lines if one.sign == sign) for sign in ("removed", "added"))
        yield (
            update.region.name, update.run_id, update.row, update.patient_id, update.state, update.change["number"],
            gone, came, update.version_before, update.version_after, row.rules if row else "",
        )  # fmt: skip
