"""The worklist in the admin: missing services, what may be done with them, and what holds many of them up at once."""

from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, reverse
from django.views.decorators.http import require_POST

from backoffice import audit
from backoffice.access import may, shown
from backoffice.lists import Listing, is_id
from backoffice.runs.models import Failure
from backoffice.staffadmin import StaffAdmin
from clinic.admin import resolve
from clinic.admin.groups import groups_page, recover_group
from clinic.admin.rows import FILTERS, as_shown, net_of, streams, with_id, worth_of
from clinic.admin.start import start_recovery
from clinic.models import MissingService, MissingServiceStatus, ServiceWrite

ADVICE = {
    "appointment_data": "Complete the appointment in the hospital's system, then recover it.",
    "master_data": "Put the master record right in the hospital's system, then recover everything that it holds up.",
    "service_block": "Have the block made valid for this visit, or dismiss what may not be billed.",
    "validation": "The hospital's rules refuse it: reopen the case, or dismiss the row.",
    "write_path": "The hospital did not take it. Recover it again; an unknown write is looked up first.",
    "lookup": "The hospital did not answer a question at that moment. Recover it again.",
}


class NoteForm(forms.Form):
    note = forms.CharField(required=False, max_length=4000, widget=forms.Textarea({"rows": 3}))


@admin.register(MissingService)
class MissingServiceAdmin(StaffAdmin):
    """Rows are changed by clinic.worklist and by runs; here nothing but the note."""

    patient_fields = ("patient_id", "note", "dismissed_reason")
    audited = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("region", "assignee", "dismissed_by")

    def get_urls(self) -> list[URLPattern]:
        page = self.page_at
        context = self.admin_site.each_context
        return [
            page("act/", require_POST(self.act), "missing_services_act"),
            page("groups/", partial(groups_page, each_context=context), "recovery_groups"),
            page(
                "groups/recover/", require_POST(partial(recover_group, each_context=context)), "recovery_group_recover"
            ),
            page("start/", partial(start_recovery, each_context=context), "start_recover_services"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        listing = self.listing(request)
        rows = as_shown(request, listing.page)
        audit.record_views(MissingService, [each.row.pk for each in rows], masked=not self.shows_patients(request))
        context = {
            **self.admin_site.each_context(request),
            **resolve.allowed(request),
            "title": "Missing services",
            "listing": listing,
            "rows": rows,
            "worth": worth_of(listing) if rows else None,
            "found": not rows and self.get_queryset(request).filter(status=MissingServiceStatus.FOUND).exists(),
        }
        return TemplateResponse(request, "admin/clinic/worklist.html", context)

    def listing(self, request: HttpRequest) -> Listing:
        """The rows that the address asks for, of the user's regions."""
        self.check_may_see(request)
        return Listing(
            request,
            self.get_queryset(request).order_by("-priority", "-id"),
            FILTERS,
            search=with_id,
            split=partial(streams, request),
            sort="priority",
        )

    def act(self, request: HttpRequest) -> HttpResponse:
        """A button of the worklist or of one row's page, on the ticked rows; another region's rows are not there."""
        self.check_may_see(request)
        ticked = request.POST.getlist("row")
        rows = self.get_queryset(request).filter(pk__in=[int(text) for text in ticked if is_id(text)])
        scope = rows if ticked else self.listing(request).rows
        return resolve.act(request, self.admin_site.each_context(request), rows, scope)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self.row_or_404(request, object_id)
        masked = not self.shows_patients(request)
        may_note = may(request.user, "resolve") and not masked
        form = NoteForm(request.POST or None, initial={"note": row.note})
        if request.method == "POST":
            if not may_note:
                raise PermissionDenied
            if form.is_valid():
                before, row.note = row.note, form.cleaned_data["note"]
                row.save(update_fields=["note"])
                audit.record_change(row, {"note": (audit.hidden(before), audit.hidden(row.note))})
                messages.success(request, "The note is saved.")
                return redirect(reverse("admin:clinic_missingservice_change", args=[row.pk]))
        audit.record_view(row, masked=masked)
        one = as_shown(request, [row])[0]
        context = {
            **self.admin_site.each_context(request),
            **resolve.allowed(request),
            **history_of(row),
            "title": f"Missing service {row.pk}",
            "one": one,
            "advice": ADVICE.get(row.category, ""),
            "net": net_of(one),
            "form": form if may_note else None,
            "note": shown(request.user, row.note),
            "dismissed_reason": shown(request.user, row.dismissed_reason),
        }
        return TemplateResponse(request, "admin/clinic/missing_service.html", context)


def history_of(row: MissingService) -> dict[str, Any]:
    """What was sent for the appointment, and why it failed, newest first."""
    failures = Failure.objects.filter(reference=row.appointment_id, run__region=row.region).select_related("run")
    writes = ServiceWrite.objects.filter(region=row.region, appointment_id=row.appointment_id)
    return {"failures": failures.order_by("-id")[:20], "writes": writes.order_by("-id")[:20]}
