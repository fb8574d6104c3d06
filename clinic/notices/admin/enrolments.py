"""Who has a message at bedtime: the list, and who joins or leaves it."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters

from backoffice import audit
from backoffice.access import may, scoped, shown
from backoffice.lists import Filter, Listing, by, is_id, region_choices
from backoffice.staffadmin import StaffAdmin
from clinic.notices.bedtime import enrol, leave
from clinic.notices.models import BedTimeEnrolment, Channel
from clinic.patients.models import Patient
from clinic.patients.register import NoSuchPatient

FILTERS = (Filter(name="region", title="Region", apply=by("region__name"), choices=region_choices),)


class EnrolForm(forms.Form):
    """A patient by the hospital's reference, sent in the form and never in an address."""

    reference = forms.CharField(max_length=120, widget=forms.TextInput({"autocomplete": "off"}))
    local_time = forms.TimeField(widget=forms.TimeInput({"type": "time"}), help_text="In the patient's own zone.")
    channel = forms.ChoiceField(choices=Channel.choices)


@admin.register(BedTimeEnrolment)
class BedTimeEnrolmentAdmin(StaffAdmin):
    """Rows are changed by who may resolve."""

    patient_fields = ("patient",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("region", "patient")

    @method_decorator(sensitive_post_parameters("reference"))
    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        self.check_may_see(request)
        form = EnrolForm(request.POST if "enrol" in request.POST else None)
        if request.method == "POST":
            if not (may(request.user, "resolve") and may(request.user, "patient_data")):
                raise PermissionDenied
            if "leave" in request.POST or form.is_valid():
                return self._change(request, form)
        listing = Listing(request, self.get_queryset(request).order_by("-id"), FILTERS)
        page = list(listing.page)
        audit.record_views(BedTimeEnrolment, [row.pk for row in page], masked=not self.shows_patients(request))
        context = {
            **self.admin_site.each_context(request),
            "title": "Bed time messages",
            "listing": listing,
            "rows": [{"row": row, "patient": shown(request.user, row.patient.external_id)} for row in page],
            "form": form,
            "may_change": may(request.user, "resolve") and may(request.user, "patient_data"),
        }
        return TemplateResponse(request, "admin/notices/enrolments.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """There is no page of one: its messages are in the ledger."""
        row: BedTimeEnrolment = self.row_or_404(request, object_id)
        return redirect(f"{reverse('admin:notices_notice_changelist')}?patient={row.patient_id}")

    def _change(self, request: HttpRequest, form: EnrolForm) -> HttpResponse:
        if "leave" in request.POST:
            chosen = request.POST["leave"]
            row = self.get_queryset(request).filter(pk=int(chosen) if is_id(chosen) else 0).first()
            if row is not None and leave(row):
                audit.record_change(row, {"ended_at": ("", "now")})
                messages.success(request, "No more messages at bedtime.")
            return redirect(request.path)
        rows = scoped(Patient.objects.select_related("region"), request.user)
        data = form.cleaned_data
        patient = rows.filter(external_id=data["reference"]).order_by("pk").first()
        try:
            row = None if patient is None else enrol(patient, data["local_time"], data["channel"])
        except NoSuchPatient:
            row = None
        if row is None:
            messages.warning(request, "No patient of your regions has this reference.")
            return redirect(request.path)
        audit.record_change(row, {"local_time": ("", str(row.local_time)), "channel": ("", row.channel)})
        messages.success(request, "A message each day at this time.")
        return redirect(request.path)
