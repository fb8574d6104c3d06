"""Staff book and reschedule: what is free of a type on a day, with a resource or any, and one of these times taken."""

from datetime import date, datetime
from itertools import islice
from typing import Any, cast
from uuid import uuid4

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.timezone import is_naive

from backoffice.access import AnyUser, may, scoped
from backoffice.formats import today_in
from clinic.booking.admin.calendar import FIRST, LAST
from clinic.booking.admin.grid import grid
from clinic.booking.book import Wish, book_once, reschedule
from clinic.booking.desk import expire_holds
from clinic.booking.models import Appointment, AppointmentType, Resource
from clinic.booking.moving import By
from clinic.booking.refusals import PatientBusy, Refusal
from clinic.booking.slots import NONE, Ids, Slot, free_slots
from clinic.booking.zones import midnight, next_day
from clinic.patients.models import Patient
from regions.models import Region

MOST = 200
BIGGEST = 2**63 - 1


class _OfRegions(forms.ModelChoiceField):  # type: ignore[type-arg]  # generic in its stubs only
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.name}, {obj.region.display_name}"


class DayForm(forms.Form):
    """When, and with whom; in the address, which names no patient."""

    day = forms.DateField(widget=forms.DateInput({"type": "date"}))
    resource = _OfRegions(Resource.objects.none(), required=False, empty_label="Any", label="With")

    def __init__(self, data: Any, *, user: AnyUser, region: Region | None = None) -> None:
        super().__init__(data)
        rows = scoped(Resource.objects.filter(active=True).select_related("region"), user)
        rows = rows if region is None else rows.filter(region=region)
        self._choose("resource", rows.order_by("region", "name"))

    def clean_day(self) -> date:
        day: date = self.cleaned_data["day"]
        if not FIRST <= day <= LAST:
            raise forms.ValidationError(f"From {FIRST} to {LAST}.")
        return day

    @property
    def wanted(self) -> Ids:
        resource = self.cleaned_data["resource"]
        return NONE if resource is None else frozenset({resource.pk})

    def _choose(self, name: str, rows: Any) -> None:
        cast("forms.ModelChoiceField[Any]", self.fields[name]).queryset = rows


class SearchForm(DayForm):
    type = _OfRegions(AppointmentType.objects.none(), label="Type of appointment", empty_label=None)
    field_order = ("type", "day", "resource")

    def __init__(self, data: Any, *, user: AnyUser) -> None:
        super().__init__(data, user=user)
        rows = scoped(AppointmentType.objects.filter(active=True).select_related("region"), user)
        self._choose("type", rows.order_by("region", "name"))

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        type_, resource = values.get("type"), values.get("resource")
        if type_ and resource and type_.region_id != resource.region_id:
            self.add_error("resource", "This is of another region than the type.")
        return values


class TimeForm(forms.Form):
    """One of the times that were shown."""

    begins = forms.CharField(max_length=40, error_messages={"required": "Choose one of the times."})
    although_busy = forms.BooleanField(label="Book although the patient has another visit then", required=False)

    def clean_begins(self) -> datetime:
        try:
            begins = datetime.fromisoformat(self.cleaned_data["begins"])
        except ValueError:
            begins = None
        if begins is None or is_naive(begins) or not FIRST.year <= begins.year <= LAST.year:
            raise forms.ValidationError("Choose one of the times.")
        return begins


class BookForm(TimeForm):
    name = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4, required=False)  # a form sent twice books once
    patient = forms.CharField(
        label="Patient: number here, or hospital's reference",
        max_length=120,
        widget=forms.TextInput({"autocomplete": "off"}),
    )

    def __init__(self, data: Any, *, region: Region) -> None:
        super().__init__(data)
        self.region = region

    def clean_patient(self) -> Patient:
        """By either; it is sent in the form, never in an address."""
        asked = self.cleaned_data["patient"]
        either = Q(external_id=asked)
        if asked.isascii() and asked.isdigit() and int(asked) <= BIGGEST:
            either |= Q(pk=int(asked))
        found = list(Patient.objects.filter(either, region=self.region))
        if len(found) > 1:
            raise forms.ValidationError("It is the number of one patient and the reference of another: say the other.")
        if not found:
            raise forms.ValidationError("No patient of this number or reference is in the region.")
        return found[0]


class RescheduleForm(TimeForm):
    version = forms.IntegerField(widget=forms.HiddenInput)  # of the appointment as it was shown
    why = forms.CharField(max_length=200, required=False, widget=forms.TextInput({"autocomplete": "off"}))


def book_page(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """For whoever may resolve. What was taken meanwhile is refused, and the times are shown as they are then."""
    _check(request)
    search = SearchForm(request.GET or None, user=request.user)
    context |= {"title": "Book an appointment", "search": search}
    if search.is_valid():
        type_, day = search.cleaned_data["type"], search.cleaned_data["day"]
        form = BookForm(request.POST if request.method == "POST" else None, region=type_.region)
        if form.is_valid():
            wanted = Wish(
                type=type_, patient=form.cleaned_data["patient"], begins=form.cleaned_data["begins"],
                resources=search.wanted, although_busy=form.cleaned_data["although_busy"],
            )  # fmt: skip
            done = _booked(request, wanted, form)
            if done is not None:
                return done
        context |= {"form": form, "region": type_.region, "day": day}
        context["grid"] = grid(_slots(type_, day, search.wanted), type_.region.zone)
    return TemplateResponse(request, "admin/booking/book.html", context)


def reschedule_page(request: HttpRequest, row: Appointment, context: dict[str, Any]) -> HttpResponse:
    """The same for one that is booked: its own time counts as free."""
    _check(request)
    begins = row.begins.astimezone(row.region.zone).date()
    asked = request.GET or {"day": max(begins, today_in(row.region.zone)).isoformat()}
    search = DayForm(asked, user=request.user, region=row.region)
    posted = request.POST if request.method == "POST" else None
    form = RescheduleForm(posted, initial={"version": row.version})
    context |= {"title": f"Reschedule appointment {row.pk}", "search": search, "form": form, "row": row}
    if search.is_valid():
        done = _rescheduled(request, row, form, search.wanted) if form.is_valid() else None
        if done is not None:
            return done
        day = search.cleaned_data["day"]
        slots = _slots(row.type, day, search.wanted, but=row)
        context |= {"region": row.region, "day": day, "grid": grid(slots, row.region.zone)}
    return TemplateResponse(request, "admin/booking/book.html", context)


def _check(request: HttpRequest) -> None:
    if not may(request.user, "resolve"):
        raise PermissionDenied


def _slots(type_: AppointmentType, day: date, wanted: Ids, *, but: Appointment | None = None) -> list[Slot]:
    expire_holds(type_.region)
    begins, ends = midnight(day, type_.region.zone), midnight(next_day(day), type_.region.zone)
    return list(islice(free_slots(type_, begins, ends, wanted=wanted, but=but), MOST))


def _booked(request: HttpRequest, wish: Wish, form: BookForm) -> HttpResponse | None:
    """To the appointment's page, or back to the times; None: the form is shown again with what it says now."""
    try:
        made = book_once(wish, _by(request), form.cleaned_data["name"] or uuid4())
    except Refusal as refusal:
        return _refused(request, form, refusal)
    messages.success(request, "The appointment is booked.")
    return redirect(reverse("admin:booking_appointment_change", args=[made.pk]))


def _rescheduled(request: HttpRequest, row: Appointment, form: RescheduleForm, wanted: Ids) -> HttpResponse | None:
    """As `_booked`."""
    asked = form.cleaned_data
    try:
        reschedule(
            row, asked["begins"], _by(request), asked["why"], resources=wanted, version=asked["version"],
            although_busy=asked["although_busy"],
        )  # fmt: skip
    except Refusal as refusal:
        return _refused(request, form, refusal)
    messages.success(request, "The appointment is rescheduled.")
    return redirect(reverse("admin:booking_appointment_change", args=[row.pk]))


def _refused(request: HttpRequest, form: TimeForm, refusal: Refusal) -> HttpResponse | None:
    if isinstance(refusal, PatientBusy):
        form.add_error("although_busy", str(refusal))
        return None
    messages.error(request, str(refusal))
    return redirect(request.get_full_path())


def _by(request: HttpRequest) -> By:
    return By(user=cast(User, request.user), through="admin")
