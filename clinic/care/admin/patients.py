"""Patients: to look at, masked as everywhere, and the page on which one is removed, after a question."""

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, reverse
from django.utils import timezone

from backoffice.access import may
from backoffice.audit import record_change
from backoffice.staffadmin import RegionFilter, StaffAdmin
from clinic.booking.moving import By
from clinic.care.models import RetentionHold
from clinic.care.removal.removing import ANONYMISE, DELETE, RemovalRefused, preview, remove
from clinic.patients.models import Patient

LIST = "admin:patients_patient_changelist"


class RemoveForm(forms.Form):
    how = forms.ChoiceField(
        choices=[(ANONYMISE, "Make anonymous: rows and times stay, whom they are about goes"), (DELETE, "Delete")],
        widget=forms.RadioSelect,
        initial=ANONYMISE,
        label="What is to happen",
    )


class HoldForm(forms.Form):
    reason = forms.CharField(max_length=200, widget=forms.TextInput({"autocomplete": "off"}))


@admin.register(Patient)
class PatientAdmin(StaffAdmin):
    """Other systems make and change patients, by the API. Who may start any job and see patients may remove one."""

    audited = True
    patient_fields = ("external_id", "given_name", "family_name", "birth_date", "phone", "email", "push_token")
    list_display = ("id", "region", "external_id", "language", "time_zone", "changed_at")
    list_filter = (("region", RegionFilter),)
    list_select_related = ("region",)
    fields = (
        "region", "external_id", "given_name", "family_name", "birth_date", "phone", "email", "push_token", "language",
        "time_zone", "created_at", "changed_at",
    )  # fmt: skip
    readonly_fields = fields
    actions = ("remove",)

    def has_remove_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request.user, "start_any") and may(request.user, "patient_data")

    def get_urls(self) -> list[URLPattern]:
        page = self.page_at("<int:pk>/remove/", self.remove_view, "patients_patient_remove")
        return [page, *super().get_urls()]

    @admin.action(description="Remove one…", permissions=["remove"])
    def remove(self, request: HttpRequest, rows: QuerySet[Patient]) -> HttpResponse | None:
        """One at a time: each asks."""
        if rows.count() != 1:
            messages.warning(request, "Choose one patient.")
            return None
        return redirect("admin:patients_patient_remove", rows.get().pk)

    def remove_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """GET: what belongs to the patient. POST: hold, release, ask before the removal, or remove what was asked."""
        patient: Patient = self.row_or_404(request, str(pk))
        if not self.has_remove_permission(request):
            raise PermissionDenied
        form, hold = (
            RemoveForm(request.POST if "ask" in request.POST or "sure" in request.POST else None),
            HoldForm(request.POST if "hold" in request.POST else None),
        )
        if request.method == "POST" and (done := self._done(request, patient, form, hold)) is not None:
            return done
        context = {
            **self.admin_site.each_context(request),
            "title": f"Remove patient {patient.pk}",
            "patient": patient,
            "preview": (found := preview(patient)),
            "form": form,
        }
        if form.is_valid() and not found.refusal(form.cleaned_data["how"]):
            context["deletes"] = form.cleaned_data["how"] == DELETE
            return TemplateResponse(request, "admin/care/confirm_remove.html", context)
        context |= {
            "refused": form.is_valid() and found.refusal(form.cleaned_data["how"]),
            "hold": hold,
            "holds": RetentionHold.objects.filter(patient=patient, released_at=None).select_related("made_by"),
        }
        return TemplateResponse(request, "admin/care/remove.html", context)

    def _done(self, request: HttpRequest, patient: Patient, form: RemoveForm, hold: HoldForm) -> HttpResponse | None:
        """Where to go after; None where the page is to be shown again."""
        user = cast(User, request.user)
        here = redirect("admin:patients_patient_remove", patient.pk)
        if "back" in request.POST:
            return redirect(LIST)
        if hold.is_bound and hold.is_valid():
            _hold(patient, user, hold.cleaned_data["reason"])
            return here
        if "release" in request.POST:
            _release(patient)
            return here
        if "sure" not in request.POST or not form.is_valid():
            return None
        try:
            remove(patient, form.cleaned_data["how"], By(user=user, through="admin"))
        except RemovalRefused as refused:
            messages.error(request, str(refused))
            return here
        messages.success(request, f"Patient {patient.pk} is removed.")
        return redirect(reverse(LIST))


def _hold(patient: Patient, user: User, reason: str) -> None:
    hold = RetentionHold.objects.create(region=patient.region, patient=patient, reason=reason, made_by=user)
    record_change(patient, {"retention_hold": ("", f"hold {hold.pk}")})


def _release(patient: Patient) -> None:
    if RetentionHold.objects.filter(patient=patient, released_at=None).update(released_at=timezone.now()):
        record_change(patient, {"retention_hold": ("stands", "released")})
