"""Events from outside that belong to nothing known here: a list, and the page of one."""

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse

from backoffice import audit
from backoffice.access import may, shown
from backoffice.lists import Filter, Listing, as_choices, by, region_choices
from backoffice.staffadmin import StaffAdmin
from clinic.events.admin.said import said
from clinic.events.inbound.matching import chosen, dismiss, match_one, match_to
from clinic.events.inbound.models import Channel
from clinic.events.models import Unmatched

FILTERS = (
    Filter(
        name="state",
        title="State",
        apply=by("state"),
        default=Unmatched.State.OPEN,
        choices=lambda request: as_choices(Unmatched.State.choices),
    ),
    Filter(
        name="channel",
        title="From",
        apply=by("channel"),
        choices=lambda request: as_choices(Channel.choices),
    ),
    Filter(name="region", title="Region", apply=by("region__name"), choices=region_choices),
)


class DismissForm(forms.Form):
    reason = forms.CharField(max_length=200, widget=forms.TextInput({"autocomplete": "off"}))


class BelongsForm(forms.Form):
    """What it belongs to, as a person names it; `subject` is what that is here."""

    belongs_to = forms.CharField(
        max_length=120, label="It belongs to appointment", widget=forms.TextInput({"autocomplete": "off"})
    )

    def __init__(self, data: Any, *, row: Unmatched) -> None:
        super().__init__(data)
        self.row, self.subject = row, ""

    def clean_belongs_to(self) -> str:
        text: str = self.cleaned_data["belongs_to"].strip()
        self.subject = chosen(self.row, text) or ""
        if not self.subject:
            raise forms.ValidationError("This names no appointment of the region, or two: write appointment/NUMBER.")
        return text


@admin.register(Unmatched)
class UnmatchedAdmin(StaffAdmin):
    """Made as messages come in; matched by the publisher or by a person, or dismissed with a reason."""

    patient_fields = ("reason",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("region", "event", "decided_by")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        self.check_may_see(request)
        listing = Listing(request, self.get_queryset(request).order_by("-id"), FILTERS)
        context = {
            **self.admin_site.each_context(request),
            "title": "Unmatched events",
            "listing": listing,
            "rows": list(listing.page),
        }
        return TemplateResponse(request, "admin/events/unmatched.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row: Unmatched = self.row_or_404(request, object_id)
        form = DismissForm(request.POST if "dismiss" in request.POST else None)
        belongs = BelongsForm(request.POST if "settle" in request.POST else None, row=row)
        if request.method == "POST":
            if not may(request.user, "resolve"):
                raise PermissionDenied
            if "match" in request.POST or form.is_valid() or belongs.is_valid():
                return _decide(request, row, form, belongs.subject)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Unmatched event {row.pk}",
            "row": row,
            "data": said(row.event),
            "note": shown(request.user, row.reason),
            "form": form,
            "belongs": belongs,
            "may_resolve": may(request.user, "resolve"),
        }
        return TemplateResponse(request, "admin/events/unmatched_one.html", context)


def _decide(request: HttpRequest, row: Unmatched, form: DismissForm, subject: str) -> HttpResponse:
    user = cast(User, request.user)
    before = row.state
    if subject:
        done = bool(match_to(row, subject, user))
    else:
        done = match_one(row, user) if "match" in request.POST else dismiss(row, user, form.cleaned_data["reason"])
    row.refresh_from_db()
    if done:
        audit.record_change(row, {"state": (before, row.state)})
        messages.success(request, f"It belongs to {row.matched}." if row.matched else "It is dismissed.")
    else:
        messages.warning(request, "Nothing was changed: it still belongs to nothing, or somebody else was faster.")
    return redirect(reverse("admin:events_unmatched_change", args=[row.pk]))
