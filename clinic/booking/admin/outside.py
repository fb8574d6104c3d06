"""What laboratories and points of sale told: lists of their orders, and all that an appointment's page shows of it."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse

from backoffice.access import AnyUser, shown
from backoffice.lists import Filter, Listing, as_choices, by, by_id, region_choices
from backoffice.staffadmin import StaffAdmin
from clinic.booking.admin.tones import LAB_TONES, POS_TONES
from clinic.booking.models import Appointment, LabOrder, PosOrder
from clinic.booking.outside.bills import bills_of
from clinic.booking.outside.comments import comments_of


def told_of(user: AnyUser, row: Appointment) -> dict[str, Any]:
    """Comments, lab orders, orders at a till and billing records, each with its times; what a comment says, and what
    is tested, for whom may see it."""
    orders = row.lab_orders.prefetch_related("events").order_by("id")
    return {
        "comments": [{"row": each, "text": shown(user, each.text)} for each in comments_of(row)],
        "lab_orders": [
            {"row": each, "tone": LAB_TONES.get(LabOrder.State(each.state), ""), "test": shown(user, each.test_code)}
            for each in orders
        ],
        "pos_orders": [
            {"row": each, "tone": POS_TONES.get(PosOrder.State(each.state), "")}
            for each in row.pos_orders.prefetch_related("events").order_by("id")
        ],
        "bills": bills_of(row),
    }


class OrderAdmin(StaffAdmin):
    """A list to look at; each order is shown on its appointment's page."""

    tones: dict[Any, str] = {}
    states: Any = None
    template = ""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("region")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        self.check_may_see(request)
        filters = (
            Filter(name="state", title="State", apply=by("state"), choices=lambda _: as_choices(self.states.choices)),
            Filter(name="region", title="Region", apply=by("region__name"), choices=region_choices),
            Filter(name="appointment", title="Appointment", apply=by_id("appointment")),
        )
        listing = Listing(request, self.get_queryset(request).order_by("-id"), filters)
        context = {
            **self.admin_site.each_context(request),
            "title": str(self.model._meta.verbose_name_plural).capitalize(),
            "listing": listing,
            "rows": [{"row": row, "tone": self.tones.get(self.states(row.state), "")} for row in listing.page],
        }
        return TemplateResponse(request, self.template, context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self.row_or_404(request, object_id)
        return redirect(reverse("admin:booking_appointment_change", args=[row.appointment_id]))


@admin.register(LabOrder)
class LabOrderAdmin(OrderAdmin):
    tones, states, template = LAB_TONES, LabOrder.State, "admin/booking/lab_orders.html"


@admin.register(PosOrder)
class PosOrderAdmin(OrderAdmin):
    tones, states, template = POS_TONES, PosOrder.State, "admin/booking/pos_orders.html"
