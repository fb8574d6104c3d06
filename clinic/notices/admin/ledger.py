"""The ledger: why did, or didn't, this patient get it. Read only; rows are made and moved by jobs."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters

from backoffice import audit
from backoffice.access import may, scoped, shown
from backoffice.lists import Filter, Listing, as_choices, by, by_id, region_choices
from backoffice.staffadmin import StaffAdmin
from clinic.notices.models import Channel, Kind, Notice, State
from clinic.notices.words import REASONS, meaning
from clinic.patients.models import Patient

TONES = {
    State.SENT: "good", State.DELIVERED: "good", State.FAILED: "bad", State.MAYBE_SENT: "warn", State.NOT_SENT: "warn",
}  # fmt: skip
FILTERS = (
    Filter(name="state", title="State", apply=by("state"), choices=lambda request: as_choices(State.choices)),
    Filter(name="kind", title="Message", apply=by("kind"), choices=lambda request: as_choices(Kind.choices)),
    Filter(name="channel", title="By", apply=by("channel"), choices=lambda request: as_choices(Channel.choices)),
    Filter(
        name="reason",
        title="Why",
        apply=by("reason"),
        choices=lambda request: as_choices((code, text) for code, text in REASONS.items() if code),
    ),
    Filter(name="region", title="Region", apply=by("region__name"), choices=region_choices),
    Filter(name="patient", title="Patient", apply=by_id("patient")),
    Filter(name="appointment", title="Appointment", apply=by_id("appointment")),
)


class FindForm(forms.Form):
    """A patient's reference or an appointment's, sent in the form and never in an address."""

    reference = forms.CharField(max_length=120, widget=forms.TextInput({"autocomplete": "off"}))


@admin.register(Notice)
class NoticeAdmin(StaffAdmin):
    """Patients are shown by the hospital's reference, to whom may see it."""

    patient_fields = ("to", "body")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("region", "patient", "appointment")

    def get_urls(self) -> list[URLPattern]:
        return [self.page_at("find/", self.find, "notices_find"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        self.check_may_see(request)
        listing = Listing(request, self.get_queryset(request).order_by("-id"), FILTERS)
        page = list(listing.page)
        audit.record_views(Notice, [row.pk for row in page], masked=not self.shows_patients(request))
        context = {
            **self.admin_site.each_context(request),
            "title": "Notifications",
            "listing": listing,
            "rows": [as_shown(request, row) for row in page],
            "form": FindForm(),
            "may_find": may(request.user, "patient_data"),
        }
        return TemplateResponse(request, "admin/notices/ledger.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row: Notice = self.row_or_404(request, object_id)
        audit.record_view(row, masked=not self.shows_patients(request))
        steps = [(step, meaning(step.reason)) for step in row.steps.all()]
        context = {
            **self.admin_site.each_context(request),
            "title": f"Notification {row.pk}",
            "one": as_shown(request, row),
            "to": shown(request.user, str(row.to)),
            "body": shown(request.user, str(row.body)),
            "steps": steps,
        }
        return TemplateResponse(request, "admin/notices/notice.html", context)

    @method_decorator(sensitive_post_parameters("reference"))
    def find(self, request: HttpRequest) -> HttpResponse:
        """To the ledger of the patient with this reference at the hospital."""
        self.check_may_see(request)
        if not may(request.user, "patient_data"):
            raise PermissionDenied
        ledger, form = reverse("admin:notices_notice_changelist"), FindForm(request.POST or None)
        if request.method != "POST" or not form.is_valid():
            return redirect(ledger)
        rows = scoped(Patient.objects.all(), request.user)
        patient = rows.filter(external_id=form.cleaned_data["reference"]).order_by("pk").first()
        if patient is None:
            messages.warning(request, "No patient of your regions has this reference.")
            return redirect(ledger)
        return redirect(f"{ledger}?patient={patient.pk}")


def as_shown(request: HttpRequest, row: Notice) -> dict[str, Any]:
    """The row as this user may see it."""
    return {
        "row": row,
        "patient": shown(request.user, row.patient.external_id),
        "why": meaning(row.reason),
        "tone": TONES.get(State(row.state), ""),
    }
