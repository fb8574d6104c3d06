"""Appointments in the admin: the list, one with its log and its next moves, and the calendar of a day or a week."""

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, reverse

from backoffice import audit
from backoffice.access import may, shown
from backoffice.lists import Filter, Listing, as_choices, by, by_id, region_choices
from backoffice.staffadmin import StaffAdmin
from clinic.booking.admin.calendar import calendar_page
from clinic.booking.admin.outside import told_of
from clinic.booking.admin.thread import thread_of, visit_of
from clinic.booking.admin.times import book_page, reschedule_page
from clinic.booking.admin.tones import TONES
from clinic.booking.book import cancel, move
from clinic.booking.models import Appointment
from clinic.booking.moving import By
from clinic.booking.refusals import PatientBusy, Refusal
from clinic.booking.states import BY_OWN_VERB, MOVES, State, next_states

FILTERS = (
    Filter(name="state", title="State", apply=by("state"), choices=lambda request: as_choices(State.choices)),
    Filter(name="region", title="Region", apply=by("region__name"), choices=region_choices),
    Filter(name="resource", title="Resource", apply=by_id("resources")),
    Filter(name="patient", title="Patient", apply=by_id("patient")),
)


class MoveForm(forms.Form):
    to = forms.ChoiceField(label="Move it to")
    why = forms.CharField(
        max_length=200, required=False, label="Why", widget=forms.TextInput({"autocomplete": "off"})
    )  # fmt: skip
    although_busy = forms.BooleanField(label="Move it although the patient has another visit then", required=False)

    def __init__(self, data: Any, *, state: str) -> None:
        super().__init__(data)
        if state != State.MISSED:
            del self.fields["although_busy"]
        offered = [each for each in next_states(state) if each not in BY_OWN_VERB or each == State.CANCELLED]
        cast(forms.ChoiceField, self.fields["to"]).choices = [(each, State(each).label) for each in offered]

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        if values.get("to") == State.CANCELLED and not values.get("why"):
            self.add_error("why", "A cancellation needs its reason.")
        return values


@admin.register(Appointment)
class AppointmentAdmin(StaffAdmin):
    """Whoever may resolve books, reschedules and moves them on."""

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("region", "type").prefetch_related("resources")

    def get_urls(self) -> list[URLPattern]:
        return [
            self.page_at("calendar/", self.calendar, "booking_calendar"),
            self.page_at("book/", self.book, "booking_book"),
            self.page_at("<int:pk>/reschedule/", self.reschedule, "booking_reschedule"),
            *super().get_urls(),
        ]

    def calendar(self, request: HttpRequest) -> HttpResponse:
        self.check_may_see(request)
        return calendar_page(request, self.admin_site.each_context(request))

    def book(self, request: HttpRequest) -> HttpResponse:
        self.check_may_see(request)
        return book_page(request, self.admin_site.each_context(request))

    def reschedule(self, request: HttpRequest, pk: int) -> HttpResponse:
        row: Appointment = self.row_or_404(request, str(pk))
        return reschedule_page(request, row, self.admin_site.each_context(request))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        self.check_may_see(request)
        listing = Listing(request, self.get_queryset(request).order_by("-id"), FILTERS)
        rows = list(listing.page)
        audit.record_views(Appointment, [row.pk for row in rows], masked=True)
        context = {
            **self.admin_site.each_context(request),
            "title": "Appointments",
            "listing": listing,
            "may_book": may(request.user, "resolve"),
            "rows": [{"row": row, "tone": TONES[State(row.state)]} for row in rows],
        }
        return TemplateResponse(request, "admin/booking/appointments.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row: Appointment = self.row_or_404(request, object_id)
        form = MoveForm(request.POST or None, state=row.state)
        if request.method == "POST":
            if not may(request.user, "resolve"):
                raise PermissionDenied
            if form.is_valid() and (done := _move(request, row, form)) is not None:
                return done
        audit.record_view(row, masked=not may(request.user, "patient_data"))
        context = {
            **self.admin_site.each_context(request),
            "title": f"Appointment {row.pk}",
            "row": row,
            "tone": TONES[State(row.state)],
            "moves": [
                {"row": each, "why": shown(request.user, str(each.why))} for each in row.moves.select_related("by")
            ],
            **told_of(request.user, row),
            "thread_rows": thread_of(request.user, visit_of(row)),
            "form": form,
            "may_reschedule": may(request.user, "resolve") and State.RESCHEDULED in MOVES[row.state],
            "may_move": may(request.user, "resolve") and bool(form.fields["to"].choices),  # type: ignore[attr-defined]
        }
        return TemplateResponse(request, "admin/booking/appointment.html", context)


def _move(request: HttpRequest, row: Appointment, form: MoveForm) -> HttpResponse | None:
    """Back to the page; None: the form is shown again with what it asks."""
    by_user, asked = By(user=cast(User, request.user), through="admin"), form.cleaned_data
    try:
        if asked["to"] == State.CANCELLED:
            cancel(row, by_user, asked["why"])
        else:
            move(row, asked["to"], by_user, asked["why"], although_busy=asked.get("although_busy", False))
    except PatientBusy as busy:
        form.add_error("although_busy" if "although_busy" in form.fields else None, str(busy))
        return None
    except Refusal as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"The appointment is {State(row.state).label} now.")
    return redirect(reverse("admin:booking_appointment_change", args=[row.pk]))
