"""Resources, types of appointment, and hours."""

from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from backoffice.rest.pages import PageQuery
from backoffice.rest.strict import Flag, IsoDate, Pattern, StrictSerializer, Text, WholeNumber
from clinic.booking.models import AppointmentType, HoursException, Kind, Need, Resource, WeeklyHours
from clinic.booking.models.resources import CELL_MINUTES, LONGEST_MINUTES, STEPS, validate_cells, validate_span
from clinic.booking.wire.fields import REGION_HELP, Clock, Ids

MOST_ROWS = 200


class CatalogueQuery(PageQuery):
    """Which resources or types a list shows."""

    region = Text(max_length=60, required=False, help_text=REGION_HELP)
    code = Text(max_length=60, required=False)


class ResourceBody(StrictSerializer):
    """A resource by its code, made or changed."""

    region = Text(max_length=60, help_text=REGION_HELP)
    code = Text(max_length=60)
    kind = serializers.ChoiceField(Kind.choices)
    name = Text(max_length=120)
    active = Flag(default=True)


class ResourceRow(serializers.ModelSerializer[Resource]):
    region = serializers.SlugRelatedField[Any](slug_field="name", read_only=True)

    class Meta:
        model = Resource
        fields = ("id", "region", "code", "kind", "name", "active")


@extend_schema_serializer(many=False)
class ResourcePage(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    results = ResourceRow(many=True)


class NeedBody(StrictSerializer):
    """One resource that the type takes."""

    kind = serializers.ChoiceField(Kind.choices)
    any_of = Ids(required=False, help_text="Resources of the region; none: any active one of the kind.")


class TypeBody(StrictSerializer):
    """A type of appointment by its code, made or changed. Minutes are multiples of five."""

    region = Text(max_length=60, help_text=REGION_HELP)
    code = Text(max_length=60)
    name = Text(max_length=120)
    minutes = WholeNumber(min_value=CELL_MINUTES, max_value=LONGEST_MINUTES, validators=[validate_cells])
    minutes_before = WholeNumber(min_value=0, max_value=240, default=0, validators=[validate_cells])
    minutes_after = WholeNumber(min_value=0, max_value=240, default=0, validators=[validate_cells])
    step = WholeNumber(default=15, min_value=STEPS[0], max_value=STEPS[-1], help_text=f"One of {STEPS}.")
    active = Flag(default=True)
    needs = serializers.ListField(child=NeedBody(), min_length=1, max_length=6)

    def validate_step(self, value: int) -> int:
        if value not in STEPS:
            raise serializers.ValidationError(f"One of {', '.join(map(str, STEPS))}.")
        return value


class NeedRow(serializers.ModelSerializer[Need]):
    any_of = serializers.PrimaryKeyRelatedField[Any](many=True, read_only=True)

    class Meta:
        model = Need
        fields = ("kind", "any_of")


class TypeRow(serializers.ModelSerializer[AppointmentType]):
    region = serializers.SlugRelatedField[Any](slug_field="name", read_only=True)
    needs = NeedRow(many=True, read_only=True)

    class Meta:
        model = AppointmentType
        fields = (
            "id", "region", "code", "name", "minutes", "minutes_before", "minutes_after", "step", "active", "needs",
        )  # fmt: skip


@extend_schema_serializer(many=False)
class TypePage(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    results = TypeRow(many=True)


class HoursBody(StrictSerializer):
    """Hours of one day of each week; 00:00 as their end is the end of the day."""

    weekday = WholeNumber(min_value=0, max_value=6, help_text="0 is Monday.")
    begins = Clock()
    ends = Clock()
    valid_from = IsoDate(required=False, allow_null=True, default=None)
    valid_until = IsoDate(required=False, allow_null=True, default=None)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return _span(attrs)


class ExceptionBody(StrictSerializer):
    """Days on which the resource is closed at these times, or open; without times all day."""

    first_day = IsoDate()
    last_day = IsoDate()
    begins = Clock(required=False)
    ends = Clock(required=False)
    open = Flag(default=False)
    note = Pattern(r"^[^\x00]*$", max_length=120, required=False, allow_blank=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["last_day"] < attrs["first_day"]:
            raise serializers.ValidationError({"last_day": ["This is before the first day."]})
        return _span(attrs)


def _span(values: dict[str, Any]) -> dict[str, Any]:
    try:
        validate_span(values.get("begins"), values.get("ends"))
    except DjangoValidationError as problem:
        raise serializers.ValidationError(problem.message_dict) from None
    return values


class ScheduleBody(StrictSerializer):
    """All hours of a resource, in the place of those that it had."""

    hours = serializers.ListField(child=HoursBody(), max_length=MOST_ROWS)
    exceptions = serializers.ListField(child=ExceptionBody(), max_length=MOST_ROWS, required=False)


class HoursRow(serializers.ModelSerializer[WeeklyHours]):
    begins = Clock()
    ends = Clock()

    class Meta:
        model = WeeklyHours
        fields = ("weekday", "begins", "ends", "valid_from", "valid_until")


class ExceptionRow(serializers.ModelSerializer[HoursException]):
    begins = Clock()
    ends = Clock()

    class Meta:
        model = HoursException
        fields = ("first_day", "last_day", "begins", "ends", "open", "note")


class ScheduleRow(serializers.ModelSerializer[Resource]):
    """When a resource is open, in its region's own time."""

    resource = serializers.IntegerField(source="pk", read_only=True)
    region = serializers.SlugRelatedField[Any](slug_field="name", read_only=True)
    time_zone = serializers.CharField(source="region.time_zone", read_only=True)
    hours = HoursRow(many=True, read_only=True)
    exceptions = ExceptionRow(many=True, read_only=True)

    class Meta:
        model = Resource
        fields = ("resource", "region", "time_zone", "hours", "exceptions")
