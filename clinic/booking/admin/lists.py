"""Holds and the waitlist, to look at."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from backoffice.staffadmin import RegionFilter, StaffAdmin
from clinic.booking.models import Hold, WaitlistEntry
from clinic.booking.offers import with_told


@admin.register(WaitlistEntry)
class WaitlistAdmin(StaffAdmin):
    """In the order of the line; the API makes and withdraws entries. State "offered": who is to answer by when. No more
    columns than a laptop shows, since the last says whether somebody has to be called."""

    list_display = ("id", "region", "patient", "type", "earliest", "latest", "state", "offered", "until", "told")
    sortable_by = ()
    time_columns = ("offered", "until")
    list_filter = ("state", ("region", RegionFilter))
    list_select_related = ("region", "patient", "type", "hold")
    fields = readonly_fields = (*list_display, "resource", "hold", "created_at", "changed_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return with_told(super().get_queryset(request))

    @admin.display(description="Offered time")
    def offered(self, row: WaitlistEntry) -> datetime | None:
        return row.hold.begins if row.hold else None

    @admin.display(description="Held until")
    def until(self, row: WaitlistEntry) -> datetime | None:
        return row.hold.expires_at if row.hold else None

    @admin.display(description="Patient told")
    def told(self, row: Any) -> str:
        """yes, maybe, not yet or no."""
        return str(getattr(row, "told", ""))


@admin.register(Hold)
class HoldAdmin(StaffAdmin):
    list_display = ("id", "region", "patient", "type", "begins", "state", "expires_at", "appointment")
    list_filter = ("state", ("region", RegionFilter))
    list_select_related = ("region", "patient", "type", "appointment")
    fields = readonly_fields = (*list_display, "created_at")
