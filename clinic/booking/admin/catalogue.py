"""What can be booked and when: forms for whoever may resolve. What is freed by a change is offered to who waits."""

from typing import Any

from django.contrib import admin
from django.forms import ModelForm
from django.forms.models import ModelMultipleChoiceField
from django.http import HttpRequest

from backoffice.staffadmin import RegionFilter, StaffAdmin, StaffInline
from clinic.booking.catalogue import hours_changed
from clinic.booking.models import AppointmentType, HoursException, Need, Resource, WeeklyHours

VERB = "resolve"


class CatalogueAdmin(StaffAdmin):
    """Made and changed by form; nothing is deleted, since appointments stand on it."""

    change_verb = add_verb = VERB
    list_filter = (("region", RegionFilter), "active")
    list_select_related = ("region",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.to_read(request, ("region", "code") if obj else ())

    def save_related(self, request: HttpRequest, form: "ModelForm[Any]", formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        hours_changed(form.instance.region)


class HoursInline(StaffInline):
    model = WeeklyHours
    change_verb = add_verb = delete_verb = VERB


class NeedInline(StaffInline):
    model = Need
    change_verb = add_verb = delete_verb = VERB
    min_num = 1

    def formfield_for_manytomany(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> "ModelMultipleChoiceField[Any] | None":
        resources = self.admin_site._registry[Resource]
        return super().formfield_for_manytomany(
            db_field, request, **{"queryset": resources.get_queryset(request), **kwargs}
        )


@admin.register(Resource)
class ResourceAdmin(CatalogueAdmin):
    list_display = ("name", "kind", "code", "region", "active")
    inlines = (HoursInline,)


@admin.register(AppointmentType)
class AppointmentTypeAdmin(CatalogueAdmin):
    list_display = ("name", "code", "region", "minutes", "minutes_before", "minutes_after", "active")
    inlines = (NeedInline,)


@admin.register(HoursException)
class HoursExceptionAdmin(StaffAdmin):
    """Holidays and the like."""

    change_verb = add_verb = delete_verb = VERB
    list_display = ("first_day", "last_day", "begins", "ends", "open", "resource", "region", "note")
    list_filter = (("region", RegionFilter), "open")
    list_select_related = ("region", "resource")

    def save_model(self, request: HttpRequest, obj: HoursException, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        hours_changed(obj.region)

    def delete_model(self, request: HttpRequest, obj: HoursException) -> None:
        super().delete_model(request, obj)
        hours_changed(obj.region)
