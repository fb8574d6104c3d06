"""The audit log, to be read by auditors; neither a form nor the database changes it."""

from typing import Any

from auditlog.models import LogEntry
from django.contrib import admin
from django.db.models import BigIntegerField, OuterRef, QuerySet, Subquery
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast
from django.http import HttpRequest
from django.utils.html import format_html_join

from backoffice.access import ACCOUNTS, may, region_ids, scoped
from backoffice.lists import is_id
from backoffice.staffadmin import StaffAdmin
from regions.models import Region

if admin.site.is_registered(LogEntry):
    admin.site.unregister(LogEntry)


REGION = Cast(KeyTextTransform("region", "additional_data"), BigIntegerField())


class OfRegion(admin.SimpleListFilter):
    """Entries that a region's auditors may read; the user's own regions to choose from."""

    title = "region"
    parameter_name = "region"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        regions = scoped(Region.objects.all(), request.user, "")
        return [(str(pk), name) for pk, name in regions.values_list("pk", "display_name")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value is None:
            return queryset
        return queryset.filter(additional_data__region=int(value)) if is_id(value) else queryset.none()


@admin.register(LogEntry)
class AuditLogAdmin(StaffAdmin):
    """Who saw and changed what, and when. What belongs to no region (accounts, tokens) is for superusers."""

    region_path = None
    view_verb = "audit"
    list_display = ("timestamp", "actor", "action", "region", "content_type", "object_repr")
    list_filter = (OfRegion, "action", "timestamp", "content_type")
    list_select_related = ("actor", "content_type")
    search_fields = ("=object_pk", "=cid", "=actor__username")
    search_help_text = "The id of the object, the name of the user, or a correlation id, in full."
    fields = (
        "timestamp", "actor", "remote_addr", "action", "region", "content_type", "object_pk", "object_repr", "changed",
        "additional_data", "cid",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        name = Region.objects.filter(pk=OuterRef("of_region")).values("display_name")
        every = super().get_queryset(request)
        entries: QuerySet[Any] = every.annotate(of_region=REGION).annotate(region_name=Subquery(name))
        if may(request.user, ACCOUNTS):
            return entries
        return entries.filter(additional_data__region__in=region_ids(request.user))

    @admin.display(description="Region", empty_value="none")
    def region(self, entry: Any) -> str | None:
        name: str | None = entry.region_name
        return name

    @admin.display(description="Changes")
    def changed(self, entry: Any) -> str:
        rows = ((name, _side(values, 0), _side(values, 1)) for name, values in (entry.changes or {}).items())
        return format_html_join("", "<div><b>{}</b>: {} → {}</div>", rows)


def _side(values: Any, position: int) -> str:
    """Before or after; a changed relation says what was done, and to which objects."""
    if isinstance(values, dict):
        return str(values.get("operation")) if position == 0 else ", ".join(map(str, values.get("objects", ())))
    return str(values[position])
