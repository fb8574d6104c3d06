"""The audit log, to be read by auditors; neither a form nor the database changes it."""

from typing import Any

from auditlog.models import LogEntry
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join

from backoffice.access import ACCOUNTS, may, region_ids
from backoffice.staffadmin import StaffAdmin

if admin.site.is_registered(LogEntry):
    admin.site.unregister(LogEntry)


@admin.register(LogEntry)
class AuditLogAdmin(StaffAdmin):
    """Who saw and changed what, and when. What belongs to no region (accounts, tokens) is for superusers."""

    region_path = None
    view_verb = "audit"
    list_display = ("timestamp", "actor", "action", "content_type", "object_repr")
    list_filter = ("action", "timestamp", "content_type")
    list_select_related = ("actor", "content_type")
    search_fields = ("=object_pk", "=cid", "=actor__username")
    search_help_text = "The id of the object, the name of the user, or a correlation id, in full."
    fields = (
        "timestamp", "actor", "remote_addr", "action", "content_type", "object_pk", "object_repr", "changed",
        "additional_data", "cid",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        entries = super().get_queryset(request)
        if may(request.user, ACCOUNTS):
            return entries
        return entries.filter(additional_data__region__in=region_ids(request.user))

    @admin.display(description="Changes")
    def changed(self, entry: Any) -> str:
        rows = ((name, _side(values, 0), _side(values, 1)) for name, values in (entry.changes or {}).items())
        return format_html_join("", "<div><b>{}</b>: {} → {}</div>", rows)


def _side(values: Any, position: int) -> str:
    """Before or after; a changed relation says what was done, and to which objects."""
    if isinstance(values, dict):
        return str(values.get("operation")) if position == 0 else ", ".join(map(str, values.get("objects", ())))
    return str(values[position])
