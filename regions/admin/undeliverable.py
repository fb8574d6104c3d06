"""Numbers to which messages come back: the worklist of a region's operators, a form to report one, and one's page."""

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters

from backoffice import audit
from backoffice.access import may, shown
from backoffice.lists import Filter, Listing, as_choices, by, region_choices
from backoffice.runs.faults import Misuse
from backoffice.runs.models import Resolution
from backoffice.staffadmin import StaffAdmin
from regions.admin.choosing import RegionField, offer_regions
from regions.models import Region, UndeliverablePhone
from regions.sync.undeliverable import dismiss, reopen, report

FILTERS = (
    Filter(
        name="resolution",
        title="Resolution",
        apply=by("resolution"),
        default=Resolution.OPEN,
        choices=lambda request: as_choices(Resolution.choices),
    ),
    Filter(name="region", title="Region", apply=by("region__name"), choices=region_choices),
    Filter(
        name="reason",
        title="Why",
        apply=by("reason"),
        choices=lambda request: as_choices(UndeliverablePhone.Reason.choices),
    ),
)


class ReportForm(forms.Form):
    """A number, sent in the form and never in an address."""

    region = RegionField(Region.objects.none(), empty_label="Choose a region")
    number = forms.CharField(max_length=40, widget=forms.TextInput({"autocomplete": "off", "inputmode": "tel"}))
    reason = forms.ChoiceField(choices=[("", "Choose why"), *as_choices(UndeliverablePhone.Reason.choices)])
    patient_id = forms.RegexField(
        r"^[A-Za-z0-9.-]{1,64}$", required=False, label="Patient's id at the FHIR server (optional)",
        widget=forms.TextInput({"autocomplete": "off"}),
        error_messages={"invalid": "Letters, digits, points and hyphens, at most 64."},
    )  # fmt: skip

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer_regions(self, request)


class DismissForm(forms.Form):
    reason = forms.CharField(max_length=200, widget=forms.TextInput({"autocomplete": "off"}))


@admin.register(UndeliverablePhone)
class UndeliverablePhoneAdmin(StaffAdmin):
    """Rows are opened by reports, closed by syncs, and dismissed by who may resolve."""

    patient_fields = ("phone", "patient_id", "resolved_reason")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("region", "resolved_by")

    def get_urls(self) -> list[URLPattern]:
        return [
            path("report/", self.admin_site.admin_view(self.report), name="report_undeliverable"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        self.check_may_see(request)
        listing = Listing(request, self.get_queryset(request).order_by("-id"), FILTERS)
        page = list(listing.page)
        audit.record_views(UndeliverablePhone, [row.pk for row in page], masked=not self.shows_patients(request))
        context = {
            **self.admin_site.each_context(request),
            "title": "Undeliverable numbers",
            "listing": listing,
            "rows": [as_shown(request, row) for row in page],
            "may_resolve": may(request.user, "resolve"),
        }
        return TemplateResponse(request, "admin/regions/undeliverable.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row: UndeliverablePhone = self.row_or_404(request, object_id)
        form = DismissForm(request.POST if "dismiss" in request.POST else None)
        if request.method == "POST":
            if not may(request.user, "resolve"):
                raise PermissionDenied
            if "reopen" in request.POST or form.is_valid():
                return _resolve(request, row, form)
        audit.record_view(row, masked=not self.shows_patients(request))
        context = {
            **self.admin_site.each_context(request),
            "title": f"Undeliverable number {row.pk}",
            "one": as_shown(request, row),
            "form": form,
            "may_resolve": may(request.user, "resolve"),
        }
        return TemplateResponse(request, "admin/regions/undeliverable_one.html", context)

    @method_decorator(sensitive_post_parameters("number", "patient_id"))
    def report(self, request: HttpRequest) -> HttpResponse:
        if not may(request.user, "resolve"):
            raise PermissionDenied
        form = ReportForm(request.POST or None, request=request)
        if request.method == "POST" and form.is_valid():
            data = form.cleaned_data
            try:
                row = report(data["region"], data["number"], data["reason"], patient_id=data["patient_id"])
            except Misuse as refusal:
                form.add_error("number", str(refusal))
            else:
                audit.record_change(row, {"reports": ("", str(row.reports))})
                messages.success(request, "The number is marked. Another one from the patient closes it.")
                return redirect(reverse("admin:regions_undeliverablephone_change", args=[row.pk]))
        context = {**self.admin_site.each_context(request), "title": "Report an undeliverable number", "form": form}
        return TemplateResponse(request, "admin/regions/report_undeliverable.html", context)


def _resolve(request: HttpRequest, row: UndeliverablePhone, form: DismissForm) -> HttpResponse:
    user, again = cast(User, request.user), "reopen" in request.POST
    if reopen(row, user) if again else dismiss(row, user, form.cleaned_data["reason"]):
        messages.success(request, "It is open again." if again else "It is dismissed.")
    else:
        messages.warning(request, "Nothing was changed: somebody else was faster, or it was reported once more.")
    return redirect(reverse("admin:regions_undeliverablephone_change", args=[row.pk]))


def as_shown(request: HttpRequest, row: UndeliverablePhone) -> dict[str, Any]:
    """The row as this user may see it."""
    return {
        "row": row,
        "number": shown(request.user, row.phone.get("number", "")),
        "patient": shown(request.user, row.patient_id),
        "note": shown(request.user, row.resolved_reason),
    }
