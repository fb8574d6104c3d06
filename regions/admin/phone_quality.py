"""The report of bad numbers by source and rule: a page, and the same as CSV."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import chain
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from backoffice.access import may, requires, scoped
from backoffice.audit import record_view
from backoffice.exports import csv_download
from backoffice.formats import today_in
from regions.models import Region
from regions.sync.advice import REASONS, RULES
from regions.sync.quality import COLUMNS, MENDED, REFUSED, Quality, quality_of, report_rows, rows_between

DAYS = 30
SOURCES_SHOWN = 6
ONCE, EACH = "once", "each"
COUNTS = [(ONCE, "Each row once"), (EACH, "Each reading")]


class QualityForm(forms.Form):
    """Which rows the report is about; without anything, those of the last thirty days."""

    region = forms.ChoiceField(required=False)
    first = forms.DateField(required=False, label="From", widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"))
    last = forms.DateField(
        required=False, label="To (included)", widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d")
    )
    count = forms.ChoiceField(choices=COUNTS, required=False)

    def __init__(self, *args: Any, regions: Sequence[Region], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.regions = regions
        choices = [("all", "All"), *((region.name, region.display_name) for region in regions)]
        self.fields["region"].choices = choices  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        first, last = data.get("first"), data.get("last")
        if first and last and first > last:
            self.add_error("last", "The last day has to be the first one, or come after it.")
        return data

    def chosen(self) -> list[Region]:
        name = self.cleaned_data.get("region") or "all"
        return [region for region in self.regions if name in ("all", region.name)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Counted:
    """A reason or a rule: how many rows of each source, and what to do about it."""

    code: str
    cells: list[tuple[str, int, float]]
    rows: int
    share: float
    advice: str


def span_of(region: Region, form: QualityForm) -> tuple[date, date]:
    """The days, the last thirty of the region's where none are given."""
    last = form.cleaned_data.get("last") or today_in(region.zone)
    return form.cleaned_data.get("first") or last - timedelta(days=DAYS - 1), last


@requires("see")
def quality_page(request: HttpRequest, each_context: Callable[[HttpRequest], Any]) -> HttpResponse:
    """Counts only: no number and no identifier is on it."""
    regions = list(scoped(Region.objects.all(), request.user, ""))
    form = QualityForm(request.GET or {"count": ONCE, "region": "all"}, regions=regions)
    chosen = form.chosen() if form.is_valid() else []
    each = form.is_valid() and form.cleaned_data["count"] == EACH
    rows = {region: rows_between(region, *span_of(region, form), each_reading=each) for region in chosen}
    if request.GET.get("format") == "csv" and form.is_valid():
        return _export(request, {region: quality_of([found]) for region, found in rows.items()})
    quality = quality_of(list(rows.values()))
    first, last = span_of(chosen[0], form) if chosen else (None, None)
    context = {
        **each_context(request),
        "title": "Phone quality",
        "form": form,
        "regions": regions,
        "quality": quality,
        "first": first,
        "last": last,
        "sources": quality.sources[:SOURCES_SHOWN],
        "more": quality.sources[SOURCES_SHOWN:],
        "refused": counted(quality, REFUSED, quality.reasons, REASONS),
        "mended": counted(quality, MENDED, quality.rules, RULES),
        "may_export": may(request.user, "export"),
        "may_start": may(request.user, "start_recovery"),
    }
    return TemplateResponse(request, "admin/regions/phone_quality.html", context)


def counted(quality: Quality, kind: str, codes: list[str], advice: dict[str, str]) -> list[Counted]:
    return [
        Counted(
            code=code,
            cells=[
                (source.name, source.counts[kind, code], source.counts[kind, code] / source.rows)
                for source in quality.sources[:SOURCES_SHOWN]
            ],
            rows=(n := quality.whole.counts[kind, code]),
            share=n / quality.whole.rows,
            advice=advice.get(code, ""),
        )
        for code in codes
    ]


def _export(request: HttpRequest, found: dict[Region, Quality]) -> HttpResponse:
    if not may(request.user, "export"):
        raise PermissionDenied
    for region, quality in found.items():
        record_view(region, export="phone quality", count=quality.whole.rows)
    rows = chain.from_iterable(report_rows(region, quality) for region, quality in found.items())
    return csv_download("phone-quality", COLUMNS, rows)
