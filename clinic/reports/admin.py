"""Reports in the admin: the list, the page that asks for one, and the file; both are exports."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.urls import URLPattern, reverse
from django.utils.html import format_html
from django.utils.http import content_disposition_header

from backoffice import audit
from backoffice.access import may, scoped
from backoffice.runs.admin.starting import started
from backoffice.runs.job import Json
from backoffice.staffadmin import RegionFilter, StaffAdmin
from clinic.reports.jobs import REPORT
from clinic.reports.making import MOST_ROWS
from clinic.reports.models import Report
from clinic.reports.registry import KINDS, kind_named
from regions.admin.choosing import RegionField, offer_regions
from regions.models import Region

TYPES = {"csv": "text/csv; charset=utf-8", "pdf": "application/pdf"}


def kind_choices() -> list[tuple[str, str]]:
    return [(name, kind_named(name).title) for name in KINDS]


def _day(label: str) -> forms.DateField:
    return forms.DateField(label=label, widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"))


class ReportForm(forms.Form):
    region = RegionField(Region.objects.none(), empty_label="Choose a region")
    kind = forms.ChoiceField(choices=kind_choices, label="Report")
    begins = _day("From (included)")
    ends = _day("To (not included)")
    format = forms.ChoiceField(choices=[(name, name.upper()) for name in MOST_ROWS], label="Format")

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer_regions(self, request)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("begins") and data.get("ends") and data["begins"] >= data["ends"]:
            self.add_error("ends", "The end has to lie after the beginning.")
        return data

    def parameters(self) -> Json:
        data = self.cleaned_data
        days = {"from": str(data["begins"]), "to": str(data["ends"])}
        return {"kind": data["kind"], "format": data["format"], **days}


@admin.register(Report)
class ReportAdmin(StaffAdmin):
    """Made by runs; who may export, and sees patients, asks for one and takes the file."""

    patient_fields = ("file",)
    time_columns = ("made_at",)
    list_display = ("title", "region", "format", "begins", "ends", "rows", "bytes", "made_at", "file")
    list_filter = (("region", RegionFilter), "kind", "format")
    list_select_related = ("region", "made_by")
    fields = (
        "region", "title", "format", "begins", "ends", "rows", "bytes", "run", "made_by", "made_at", "file",
    )  # fmt: skip
    readonly_fields = fields
    change_list_template = "admin/reports/reports.html"

    def get_urls(self) -> list[URLPattern]:
        return [
            self.page_at("start/", self.start_view, "start_report"),
            self.page_at("<int:pk>/file/", self.file_view, "reports_report_file"),
            *super().get_urls(),
        ]

    def shows_patients(self, request: HttpRequest) -> bool:
        return may(request.user, "export") and super().shows_patients(request)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {**(extra_context or {}), "may_start": may(request.user, "export")})

    @admin.display(description="Report")
    def title(self, obj: Report) -> str:
        return kind_named(obj.kind).title if obj.kind in KINDS else obj.kind

    @admin.display(description="Made", ordering="created_at")
    def made_at(self, obj: Report) -> datetime:
        return obj.created_at

    @admin.display(description="Size", ordering="size")
    def bytes(self, obj: Report) -> str:
        return filesizeformat(obj.size)

    @admin.display(description="File")
    def file(self, obj: Report) -> str:
        return format_html(
            '<a class="nw-button" href="{}">Download</a>', reverse("admin:reports_report_file", args=[obj.pk])
        )

    def start_view(self, request: HttpRequest) -> HttpResponse:
        """GET: the form. POST: starts the run, and goes to its page."""
        self.check_may_see(request)
        if not may(request.user, REPORT.start_verb):
            raise PermissionDenied
        form = ReportForm(request.POST or None, request=request)
        if request.method == "POST" and form.is_valid():
            return started(request, REPORT, form)
        context = {
            **self.admin_site.each_context(request),
            "title": "Make a report",
            "job": REPORT,
            "form": form,
            "no_regions": not scoped(Region.objects.all(), request.user, "").exists(),
        }
        return TemplateResponse(request, "admin/reports/start.html", context)

    def file_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The file byte for byte. Each download is an entry of the audit log."""
        report: Report = self.row_or_404(request, str(pk))
        if not self.shows_patients(request):
            raise PermissionDenied
        audit.record_view(report, content="downloaded", rows=report.rows)
        answer = StreamingHttpResponse(report.content(), content_type=TYPES[report.format])
        answer["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=report.name) or ""
        return answer  # type: ignore[return-value]
