"""Columns that StaffAdmin puts in the place of a model's own: masked, a region by its display name, a time by its
region's clock."""

from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.admin.utils import label_for_field
from django.core.exceptions import FieldDoesNotExist
from django.db.models import DateTimeField, Model
from django.urls import reverse
from django.utils.html import format_html

from backoffice.access import mask
from backoffice.formats import moment


class _Column:
    """Stands for a column of that name: Django looks it up among the readonly ones, which are made for each request."""

    def __init__(self, field: str, title: str) -> None:
        self.field, self.short_description, self.__name__ = field, title, f"{type(self).prefix}{field}"

    prefix = ""

    def __call__(self, obj: Model) -> str:
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and other.field == self.field

    def __hash__(self) -> int:
        return hash(self.field)


class MaskedColumn(_Column):
    """A column of the admin that says there is something, and not what. It cannot be sorted by."""

    prefix = "masked_"

    def __call__(self, obj: Model) -> str:
        # A column that the admin class computes is not looked into.
        return mask(str(getattr(obj, self.field, self.field) or ""))


class RegionColumn(_Column):
    """The region by its display name, sorted as before; on the page of one row it leads to the region's."""

    def __init__(self, field: str, title: str, *, linked: bool = False) -> None:
        super().__init__(field, title)
        self.admin_order_field, self.linked = field, linked

    def __call__(self, obj: Model) -> str:
        region: Any = getattr(obj, self.field)
        if not self.linked:
            return str(region.display_name)
        address = reverse("admin:regions_region_change", args=[region.pk])
        return format_html('<a href="{}" class="text-link">{}</a>', address, region.display_name)


class ClockColumn(_Column):
    """A time by the clock of the row's region, which is named. `source`: the admin class's own column that gives it."""

    def __init__(self, field: str, title: str, *, region_path: str, empty: str, source: Any = None) -> None:
        super().__init__(field, title)
        self.source, self.region_path, self.empty = source, region_path, empty
        self.admin_order_field = getattr(source, "admin_order_field", None) if source else field

    def __call__(self, obj: Model) -> str:
        at = self.source(obj) if self.source else getattr(obj, self.field)
        if at is None:
            return self.empty
        # A narrow column breaks between day and clock, and in neither.
        parts = moment(at, zone_of(obj, self.region_path)).split(" ", 1)
        return format_html('<span class="nw-whole">{}</span> <span class="nw-whole">{}</span>', *parts)


def zone_of(row: Any, region_path: str) -> ZoneInfo | None:
    """Of the row's region; None, which is UTC, where the row has none or several."""
    for name in region_path.split("__") if region_path else ():
        row = getattr(row, name, None)
    zone: ZoneInfo | None = getattr(row, "zone", None)
    return zone


def masked_column(admin: Any, name: str) -> MaskedColumn:
    return MaskedColumn(name, _title(admin, name))


def told_column(admin: Any, name: Any, linked: bool) -> Any:
    """What a StaffAdmin shows for a column of that name; the name itself where Django does it well."""
    if admin.region_path is None or not isinstance(name, str):
        return name
    if name == admin.region_path:
        return RegionColumn(name, _title(admin, name), linked=linked)
    own = getattr(admin, name) if name in admin.time_columns else None
    if own is None and not _is_time(admin, name):
        return name
    empty = admin.get_empty_value_display()
    return ClockColumn(name, _title(admin, name), region_path=admin.region_path, empty=empty, source=own)


def _is_time(admin: Any, name: str) -> bool:
    try:
        return isinstance(admin.model._meta.get_field(name), DateTimeField)
    except FieldDoesNotExist:
        return False


def _title(admin: Any, name: str) -> str:
    return str(label_for_field(name, admin.model, admin))
