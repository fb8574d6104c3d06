"""What became of each row of the sheets: the list, its export, and the page of one row."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern
from django.views.decorators.http import require_POST

from backoffice import audit
from backoffice.access import may, shown
from backoffice.exports import Row, csv_download, xlsx_download
from backoffice.formats import words
from backoffice.lists import Choices, Filter, Listing, as_choices, by, first_values, is_id, region_choices
from backoffice.runs.admin.failures import of_chain
from backoffice.staffadmin import StaffAdmin
from regions.admin.phone_changes import as_shown as changes_shown
from regions.admin.phone_quality import quality_page
from regions.admin.phone_start import start_sync
from regions.admin.phone_undo import undo_page
from regions.models import PhoneRow, PhoneUpdate
from regions.sync import verdict
from regions.sync.advice import OUTCOMES, RULES
from regions.sync.models import Notice

COLUMNS = (
    "region", "run", "row", "identifier", "phone_as_given", "outcome", "reason", "patients", "updated", "cleaned_by",
    "source", "facility", "status", "sheet",
)  # fmt: skip
DOWNLOADS = {"csv": csv_download, "xlsx": xlsx_download}
SEARCHED = "Row of the sheet"
# Whether the sheet says so, for people.
NOTICES = {
    Notice.WAITING: "not told yet: it is told with the next write to the sheet",
    Notice.TOLD: "told",
    Notice.CHANGED: "not told: the number in the row was changed meanwhile",
    Notice.AMBIGUOUS: "not told: several rows look like it",
    Notice.GONE: "not told: the row is no longer in the sheet",
    Notice.SUPERSEDED: "a later run told the row its own outcome",
    Notice.NONE: "nothing to tell: a preview, or an undo that changed nothing",
}


def with_number(rows: QuerySet[Any], text: str) -> QuerySet[Any]:
    """Rows of this number: 12, or row 12 as failures name it."""
    number = text.casefold().removeprefix("row").strip()
    return rows.filter(row=int(number)) if is_id(number) and int(number) < 2**31 else rows.none()


def with_rule(rows: QuerySet[Any], value: str) -> QuerySet[Any]:
    """Rows to which cleaning had to do this."""
    last, within = Q(rules__endswith=f"; {value}"), Q(rules__contains=f"; {value}; ")
    return rows.filter(Q(rules=value) | Q(rules__startswith=f"{value}; ") | last | within)


def found_in(column: str) -> Callable[[HttpRequest], Choices]:
    """What a column of the user's rows holds, of the run and the region that the address names."""

    def choices(request: HttpRequest) -> Choices:
        rows = _rows_of(request).order_by("-id")
        for name, apply in (("run", of_chain), ("region", by("region__name")), ("outcome", by("outcome"))):
            if (value := request.GET.get(name, "all")) not in ("", "all"):
                rows = apply(rows, value)
        found, _ = first_values([rows], column)
        chosen = {request.GET.get(column, "")} - {"", "all"}
        return [(text, _title(text)) for text in sorted(({value for (value,) in found} | chosen) - {""})]

    return choices


def _title(text: str) -> str:
    return text[:1].upper() + text[1:]


def _rows_of(request: HttpRequest) -> QuerySet[PhoneRow]:
    return admin.site._registry[PhoneRow].get_queryset(request)


FILTERS = (
    Filter(
        name="outcome",
        title="Outcome",
        apply=by("outcome"),
        choices=lambda request: [(outcome, _title(words(outcome))) for outcome in verdict.OUTCOMES],
    ),
    Filter(name="reason", title="Reason", apply=by("reason"), choices=found_in("reason")),
    Filter(name="source", title="Source", apply=by("source"), choices=found_in("source")),
    Filter(name="region", title="Region", apply=by("region__name"), choices=region_choices),
    Filter(
        name="rule", title="Cleaning", apply=with_rule, choices=lambda request: [(rule, _title(rule)) for rule in RULES]
    ),
    Filter(name="notice", title="The sheet", apply=by("notice"), choices=lambda request: as_choices(Notice.choices)),
    Filter(name="run", title="Run", apply=of_chain),
)


@admin.register(PhoneRow)
class PhoneRowAdmin(StaffAdmin):
    """Read only: rows are written by runs. A row of the sheet is corrected in the sheet."""

    patient_fields = ("key",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("region")

    def get_urls(self) -> list[URLPattern]:
        page = self.page_at
        context = self.admin_site.each_context
        return [
            page("start/", partial(start_sync, each_context=context), "start_sync_phones"),
            page("undo/<int:pk>/", partial(undo_page, each_context=context), "undo_phone_sync"),
            page("quality/", partial(quality_page, each_context=context), "phone_quality"),
            page("export/", require_POST(self.export), "phone_rows_export"),
            *super().get_urls(),
        ]

    def listing(self, request: HttpRequest) -> Listing:
        """The rows that the address asks for; of one run from the first row on, of several the newest first."""
        self.check_may_see(request)
        of_one = request.GET.get("run", "") not in ("", "all")
        rows = self.get_queryset(request).order_by(*(("row", "id") if of_one else ("-id",)))
        return Listing(request, rows, FILTERS, search=with_number, sort="row" if of_one else "", ascending=of_one)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        listing = self.listing(request)
        rows = as_shown(request, listing.page)
        audit.record_views(PhoneRow, [each["row"].pk for each in rows], masked=not self.shows_patients(request))
        context = {
            **self.admin_site.each_context(request),
            "title": "Rows of the phone sheets",
            "listing": listing,
            "rows": rows,
            "search_label": SEARCHED,
            "may_export": may(request.user, "export"),
            "may_start": may(request.user, "start_recovery"),
        }
        return TemplateResponse(request, "admin/regions/phone_rows.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row: PhoneRow = self.row_or_404(request, object_id)
        audit.record_view(row, masked=not self.shows_patients(request))
        updates = PhoneUpdate.objects.filter(run__chain=row.run.chain, row=row.row).select_related("region", "run")
        context = {
            **self.admin_site.each_context(request),
            "title": f"Row {row.row} of {row.region.display_name}, run {row.run_id}",
            "one": as_shown(request, [row])[0],
            "advice": OUTCOMES.get(row.outcome, ""),
            "rules": [(rule, RULES.get(rule, "")) for rule in row.rules.split("; ") if rule],
            "told": NOTICES[Notice(row.notice)],
            "changes": changes_shown(request, updates),
            "masked": not self.shows_patients(request),
        }
        return TemplateResponse(request, "admin/regions/phone_row.html", context)

    def export(self, request: HttpRequest) -> HttpResponse:
        """The list as its filters have it; who took it out stands in the audit log."""
        if not may(request.user, "export"):
            raise PermissionDenied
        rows = self.listing(request).rows
        download = DOWNLOADS.get(request.POST.get("format", ""), csv_download)
        audit.record_views(PhoneRow, rows.values_list("pk", flat=True), masked=False, export=True)
        return download("phone-rows", COLUMNS, export_rows(rows))


def as_shown(request: HttpRequest, rows: Iterable[PhoneRow]) -> list[dict[str, Any]]:
    """Each row with what its sheet holds, as this user may see it."""
    return [
        {
            "row": row,
            "identifier": shown(request.user, row.key.get("identifier", "")),
            "phone": shown(request.user, row.key.get("phone", "")),
            "tone": tone_of(row.outcome),
        }
        for row in rows
    ]


def tone_of(outcome: str) -> str:
    """The colour of an outcome: good, nothing, a fault of the row, a fault of the other side."""
    if outcome == verdict.UPDATED:
        return "good"
    if outcome == verdict.UNCHANGED:
        return ""
    return "bad" if outcome in verdict.FAILED_UPDATES else "warn"


def export_rows(rows: QuerySet[PhoneRow]) -> Iterator[Row]:
    """COLUMNS of the rows, in the order of the query."""
    for row in rows.iterator(chunk_size=2000):
        yield (
            row.region.name, row.run_id, row.row, row.key.get("identifier", ""), row.key.get("phone", ""), row.outcome,
            row.reason, row.patients, row.updated, row.rules, row.source, row.facility, row.status, row.notice,
        )  # fmt: skip
