"""Availability, holds, appointments and the waitlist."""

from typing import Any

from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from backoffice.access import shown
from backoffice.rest.pages import PageQuery
from backoffice.rest.strict import Flag, IsoDate, Query, StrictSerializer, Text, WholeNumber
from clinic.booking.models import Appointment, Hold, Move, WaitlistEntry
from clinic.booking.outside.comments import Comment, comments_of
from clinic.booking.states import BY_OWN_VERB, State, next_states
from clinic.booking.wire.fields import BIGGEST, REGION_HELP, Id, Ids, Moment
from clinic.booking.wire.outside import LabOrderRow, PosOrderRow

MOVABLE = [(value, label) for value, label in State.choices if value not in BY_OWN_VERB]
NUMBER_HELP = "The hospital's id of the appointment, by which laboratories and tills name it; staff alone."
BUSY_HELP = "Also where the patient has another visit then; staff alone."
VERSION_HELP = "The version that was read; 409 where there is a newer one."


class AvailabilityQuery(Query):
    """Which slots are asked for: a type, from a day of the region to another, which is not included."""

    type = WholeNumber(in_query=True, min_value=1, max_value=BIGGEST)
    to = IsoDate(help_text="At most 31 days after `from`; itself not included.")
    resource = WholeNumber(in_query=True, min_value=1, max_value=BIGGEST, required=False)
    limit = WholeNumber(in_query=True, min_value=1, max_value=1000, default=200)

    def get_fields(self) -> dict[str, Any]:
        # "from" is a keyword of Python.
        return {**super().get_fields(), "from": IsoDate(help_text="The first day, of the region's calendar.")}


class SlotRow(serializers.Serializer[Any]):
    begins = serializers.DateTimeField()
    ends = serializers.DateTimeField()
    resources = serializers.ListField(child=serializers.IntegerField(), help_text="With these, if none are asked for.")


class Availability(serializers.Serializer[Any]):
    region = serializers.CharField()
    time_zone = serializers.CharField()
    slots = SlotRow(many=True)
    more = serializers.BooleanField(help_text="Whether there are more than `limit`.")


class WishBody(StrictSerializer):
    """Who wants what when. `patient` may be left out where a portal's claim names it."""

    type = Id()
    patient = Id(required=False)
    begins = Moment()
    resources = Ids(required=False, help_text="Resources that have to be among those that it takes.")


class BookBody(WishBody):
    although_busy = Flag(default=False, help_text=BUSY_HELP)
    external_id = Text(max_length=120, required=False, help_text=NUMBER_HELP)


class ConfirmBody(StrictSerializer):
    although_busy = Flag(default=False, help_text=BUSY_HELP)
    external_id = Text(max_length=120, required=False, help_text=NUMBER_HELP)


class ChangeBody(StrictSerializer):
    version = Id(required=False, help_text=VERSION_HELP)
    although_busy = Flag(default=False, help_text=BUSY_HELP)
    why = Text(max_length=200, required=False)


class RescheduleBody(ChangeBody):
    begins = Moment()
    resources = Ids(required=False, help_text="None: those that it has, or others where they are not free.")


class CancelBody(StrictSerializer):
    reason = Text(max_length=200)
    version = Id(required=False, help_text=VERSION_HELP)


class MoveBody(ChangeBody):
    to = serializers.ChoiceField(MOVABLE)


class HoldRow(serializers.ModelSerializer[Hold]):
    region = serializers.SlugRelatedField[Any](slug_field="name", read_only=True)
    resources = serializers.PrimaryKeyRelatedField[Any](many=True, read_only=True)

    class Meta:
        model = Hold
        fields = (
            "id", "region", "patient", "type", "resources", "state", "begins", "ends", "expires_at", "appointment",
        )  # fmt: skip


class AppointmentQuery(PageQuery):
    """Which appointments a list shows."""

    region = Text(max_length=60, required=False, help_text=REGION_HELP)
    state = serializers.ChoiceField(State.choices, required=False)
    patient = WholeNumber(in_query=True, min_value=1, max_value=BIGGEST, required=False)
    resource = WholeNumber(in_query=True, min_value=1, max_value=BIGGEST, required=False)
    begins_from = Moment(required=False, help_text="Z, or +00:00 as %2B00:00.")
    begins_before = Moment(required=False)
    ordering = serializers.ChoiceField(["begins", "-begins", "id", "-id"], default="begins")


class AppointmentRow(serializers.ModelSerializer[Appointment]):
    """A visit; `begins` and `ends` without the buffers around it."""

    region = serializers.SlugRelatedField[Any](slug_field="name", read_only=True)
    resources = serializers.PrimaryKeyRelatedField[Any](many=True, read_only=True)

    class Meta:
        model = Appointment
        fields = (
            "id", "region", "patient", "type", "resources", "external_id", "state", "version", "begins", "ends",
            "created_at", "changed_at",
        )  # fmt: skip


@extend_schema_serializer(many=False)
class AppointmentPage(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    results = AppointmentRow(many=True)


class MoveRow(serializers.ModelSerializer[Move]):
    """One change. `by` is told to staff alone; `why` is masked where the role does not show patient data."""

    before = serializers.ChoiceField(State.choices, allow_blank=True, read_only=True, help_text="Empty: it was booked.")
    by = serializers.SerializerMethodField()
    why = serializers.SerializerMethodField()

    class Meta:
        model = Move
        fields = ("version", "before", "after", "begins", "at", "by", "through", "why")

    def get_by(self, row: Move) -> str:
        if self.context["view"].acting_for is not None or row.by is None:
            return ""
        return row.by.get_username()

    def get_why(self, row: Move) -> str:
        if self.context["view"].acting_for is not None:
            return str(row.why)
        return shown(self.context["request"].user, str(row.why))


class AppointmentReport(AppointmentRow):
    """A visit with its log, what laboratories and points of sale told of it, and what may follow."""

    moves = MoveRow(many=True, read_only=True)
    lab_orders = LabOrderRow(many=True, read_only=True)
    pos_orders = PosOrderRow(many=True, read_only=True)
    next_states = serializers.SerializerMethodField()

    class Meta(AppointmentRow.Meta):
        fields = (*AppointmentRow.Meta.fields, "moves", "lab_orders", "pos_orders", "next_states")  # type: ignore[assignment]

    @extend_schema_field({"type": "array", "items": {"type": "string", "enum": State.values}})
    def get_next_states(self, row: Appointment) -> list[str]:
        return next_states(row.state)


class CommentRow(serializers.Serializer[Any]):
    """What a job says of the visit; `text` is masked where the role does not show patient data."""

    at = serializers.DateTimeField()
    by = serializers.CharField(help_text="What wrote it.")
    text = serializers.SerializerMethodField()

    def get_text(self, row: Comment) -> str:
        return shown(self.context["request"].user, row.text)


class AppointmentWithComments(AppointmentReport):
    """A visit as it is read alone: with the comments at it, which are for staff; a portal sees none."""

    comments = serializers.SerializerMethodField()

    class Meta(AppointmentReport.Meta):
        fields = (*AppointmentReport.Meta.fields, "comments")  # type: ignore[assignment]

    @extend_schema_field(CommentRow(many=True))
    def get_comments(self, row: Appointment) -> Any:
        found = [] if self.context["view"].acting_for is not None else comments_of(row)
        return CommentRow(found, many=True, context=self.context).data


class WaitlistQuery(PageQuery):
    """Which entries a list shows."""

    region = Text(max_length=60, required=False, help_text=REGION_HELP)
    state = serializers.ChoiceField(WaitlistEntry.State.choices, required=False)


class JoinBody(StrictSerializer):
    """Who waits for what: a visit that lies between two times, at most 92 days apart."""

    type = Id()
    patient = Id(required=False)
    earliest = Moment()
    latest = Moment()
    resource = Id(required=False)


class WaitlistRow(serializers.ModelSerializer[WaitlistEntry]):
    """An entry; where it is offered, `hold` keeps the slot until the hold expires: confirm the hold to take it."""

    region = serializers.SlugRelatedField[Any](slug_field="name", read_only=True)

    class Meta:
        model = WaitlistEntry
        fields = (
            "id", "region", "patient", "type", "resource", "earliest", "latest", "state", "hold", "created_at",
            "changed_at",
        )  # fmt: skip


@extend_schema_serializer(many=False)
class WaitlistPage(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    results = WaitlistRow(many=True)
