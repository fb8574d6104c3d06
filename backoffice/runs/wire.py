"""What runs look like over the API: the bodies and query parameters it takes, the answers it gives."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.reverse import reverse

from backoffice.rest.pages import PageQuery
from backoffice.rest.strict import JsonObject, StrictSerializer, Text
from backoffice.runs.models import Failure, Resolution, Run, RunStatus
from backoffice.runs.registry import JOBS

Counts = serializers.DictField(child=serializers.IntegerField())
NAME = 60


class JobName(serializers.ChoiceField):
    """The name of a job in the table, as it is now."""

    def __init__(self, **options: Any) -> None:
        super().__init__(sorted(JOBS), **options)


class RunQuery(PageQuery):
    """Which runs a list shows."""

    job = JobName(required=False)
    region = Text(max_length=NAME, required=False, help_text="A region of the token, by name; 404 for any other.")
    status = serializers.ChoiceField(RunStatus.choices, required=False)


class FailureQuery(PageQuery):
    """Which failures of a run a list shows."""

    category = Text(max_length=NAME, required=False)
    resolution = serializers.ChoiceField(Resolution.choices, required=False)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Preview a month",
            value={
                "job": "recover_services",
                "region": "nebraska",
                "parameters": {"from": "2023-01-01", "to": "2023-02-01", "mode": "preview"},
            },
            request_only=True,
        ),
        OpenApiExample(
            "Recover the last seven days",
            value={"job": "recover_services", "region": "nebraska", "parameters": {"days": 7}},
            request_only=True,
        ),
        OpenApiExample(
            "Preview the phones of some rows",
            value={
                "job": "sync_phones",
                "region": "purbalingga",
                "parameters": {"rows": "2:500", "mode": "preview"},
            },
            request_only=True,
        ),
    ]
)
class StartRun(StrictSerializer):
    """A job, a region and the job's parameters."""

    job = JobName()
    region = Text(max_length=NAME, help_text="A region of the token, by name.")
    parameters = JsonObject(default=dict, help_text="The options of the job's command, spelled alike.")


class RunRow(serializers.ModelSerializer[Run]):
    """A run in a list."""

    url = serializers.SerializerMethodField()
    region = serializers.SlugRelatedField[Any](slug_field="name", read_only=True, allow_null=True)

    class Meta:
        model = Run
        fields = (
            "id", "url", "job", "key", "region", "status", "reason", "detail", "attempt", "parameters",
            "correlation_id", "created_at", "started_at", "ended_at",
        )  # fmt: skip

    def get_url(self, run: Run) -> str:
        return run_url(run, self.context["request"])

    def to_representation(self, run: Run) -> dict[str, Any]:
        row = super().to_representation(run)
        # A live run's reason is what it would end with if nobody ended it; run_report hides it as well.
        return {**row, "reason": "" if run.live else row["reason"]}


class Progress(serializers.Serializer[Any]):
    done = serializers.FloatField()
    of = serializers.FloatField()
    share = serializers.FloatField(help_text="0 to 1")
    label = serializers.CharField(allow_blank=True)  # type: ignore[assignment]  # the name is the report's
    rate_per_second = serializers.FloatField(allow_null=True)
    seconds_left = serializers.IntegerField(allow_null=True)


class CacheFigures(serializers.Serializer[Any]):
    calls = serializers.IntegerField()
    hits = serializers.IntegerField()
    joins = serializers.IntegerField()
    failures = serializers.IntegerField()
    reasked = serializers.IntegerField()


class RunReport(serializers.Serializer[Any]):
    """Everything of a run's chain, from committed counters. read = Σ outcomes."""

    id = serializers.IntegerField()
    job = serializers.CharField()
    key = serializers.CharField()
    region = serializers.CharField(allow_null=True)
    status = serializers.ChoiceField(RunStatus.choices)
    reason = serializers.CharField(allow_blank=True)
    detail = serializers.CharField(allow_blank=True)
    attempt = serializers.IntegerField()
    parameters = serializers.DictField()
    correlation_id = serializers.CharField()
    read = serializers.IntegerField()
    outcomes = Counts
    failures = serializers.DictField(child=Counts, help_text="{category: {reason: number}}")
    totals = Counts
    money = serializers.DictField(child=serializers.CharField(), help_text="Decimal text.")
    calls = Counts
    cache = serializers.DictField(child=CacheFigures())
    seconds = serializers.FloatField(help_text="Worked, over all attempts.")
    progress = Progress()
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    result = serializers.DictField(required=False, help_text="What the job itself calls its result; phone syncs.")


class FailureRow(serializers.ModelSerializer[Failure]):
    """One item that failed. `reference` is the item's id at its source."""

    resolved_by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True, allow_null=True)

    class Meta:
        model = Failure
        fields = (
            "id", "run", "step", "reference", "category", "reason", "phase", "detail", "money_at_stake", "resolution",
            "resolved_by", "resolved_at", "created_at",
        )  # fmt: skip


@extend_schema_serializer(many=False)
class RunPage(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True, help_text="The next page; null on the last one.")
    results = RunRow(many=True)


@extend_schema_serializer(many=False)
class FailurePage(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True, help_text="The next page; null on the last one.")
    results = FailureRow(many=True)


def run_url(run: Run, request: Any) -> str:
    return reverse("run-detail", args=(run.pk,), request=request)
