"""What nights and accumulators look like over the API."""

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from backoffice.rest.pages import PageQuery
from backoffice.rest.strict import StrictSerializer, Text
from backoffice.runs.models import StepStatus

REGION = 60
STATUS_HELP = "That of its run; `not begun` before there is one."


class NightQuery(PageQuery):
    """Which nights a list shows."""

    region = Text(max_length=REGION, required=False, help_text="A region of the token, by name; 404 for any other.")


class NightRow(serializers.Serializer[Any]):
    """A night in a list."""

    id = serializers.IntegerField()
    url = serializers.URLField()
    region = serializers.CharField()
    run_date = serializers.DateField()
    run = serializers.IntegerField(allow_null=True)
    status = serializers.CharField(help_text=STATUS_HELP)


class NightOutput(serializers.Serializer[Any]):
    name = serializers.CharField()
    records = serializers.IntegerField()
    dollars = serializers.DecimalField(15, 2, allow_null=True, help_text="The hash total of its amounts.")
    digest = serializers.CharField(allow_blank=True, help_text="SHA-256, once the step is verified.")


class NightStep(serializers.Serializer[Any]):
    """The control row of a step. Its outputs are what its checkpoints have counted until `verified`."""

    name = serializers.CharField()
    status = serializers.ChoiceField(StepStatus.choices)
    share = serializers.FloatField(help_text="0 to 1")
    lines_per_second = serializers.FloatField()
    ends = serializers.DateTimeField(help_text="To the minute.")
    forecast = serializers.BooleanField(help_text="Whether that end is still to come.")
    records_in = serializers.IntegerField()
    restarts = serializers.IntegerField()
    predecessors = serializers.DictField(
        child=serializers.IntegerField(), help_text="The restarts of each earlier step, as seen at the start."
    )
    verified = serializers.BooleanField()
    outputs = NightOutput(many=True)


class NightCounts(serializers.Serializer[Any]):
    paid = serializers.IntegerField()
    denied = serializers.IntegerField()
    rejected = serializers.IntegerField()


class NightCapacity(serializers.Serializer[Any]):
    lines = serializers.IntegerField(help_text="The lines a night at which the window is full.")
    reached_on = serializers.DateField(help_text="With 12 % more each year.")


class NightReport(NightRow):
    """Everything of a night, from committed counters. Forecast times are whole minutes, to be polled."""

    partitions = serializers.IntegerField()
    lines = serializers.IntegerField()
    counts = NightCounts()
    opens = serializers.DateTimeField()
    deadline = serializers.DateTimeField(help_text="04:00 in the region's zone.")
    ends = serializers.DateTimeField(allow_null=True, help_text="A forecast until the night is complete.")
    slack_minutes = serializers.IntegerField(allow_null=True, help_text="To the deadline; negative after it.")
    steps = NightStep(many=True)
    capacity = NightCapacity(allow_null=True, help_text="Null where the night is too small to tell.")


@extend_schema_serializer(many=False)
class NightPage(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True, help_text="The next page; null on the last one.")
    results = NightRow(many=True)


class MemberSearch(StrictSerializer):
    """In the body, since a member's id may stand in no address."""

    region = Text(max_length=REGION, help_text="A region of the token, by name.")
    member_id = Text(max_length=40)


class AccumulatorYear(serializers.Serializer[Any]):
    benefit_year = serializers.IntegerField()
    deductible_met = serializers.DecimalField(15, 2)
    out_of_pocket_met = serializers.DecimalField(15, 2)
    visits = serializers.DictField(child=serializers.IntegerField(), help_text="Paid lines by category.")


class Accumulators(serializers.Serializer[Any]):
    region = serializers.CharField()
    years = AccumulatorYear(many=True, help_text="None where nothing stands for the member.")
