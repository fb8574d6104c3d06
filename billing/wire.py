"""What batches and claims look like over the API: ids, codes, days and dollars, and nothing of a person."""

from datetime import UTC, datetime
from typing import Any

from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from backoffice.rest.pages import PageQuery
from backoffice.rest.strict import Text, WholeNumber
from billing.models import Batch, BatchSet, Claim, ClaimEvent, ClaimLine
from billing.models.claims import STATES
from claims.edi.claims import Kind

REGION = 60
REGION_HELP = "A region of the token, by name; 404 for any other."
KINDS = [(kind.value, kind.value) for kind in Kind]
EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


class Instant(serializers.DateTimeField):
    """A time with its zone. One before 1900 counts as 1900, one after 2200 as 2200: nothing is older or newer."""

    def enforce_timezone(self, value: datetime) -> datetime:
        return min(max(value if value.tzinfo else value.replace(tzinfo=UTC), EARLIEST), LATEST)


class BatchQuery(PageQuery):
    """Which batches a list shows."""

    region = Text(max_length=REGION, required=False, help_text=REGION_HELP)
    state = serializers.ChoiceField(Batch.State.choices, required=False)
    kind = serializers.ChoiceField(KINDS, required=False)


class ClaimQuery(PageQuery):
    """Which claims a list shows."""

    region = Text(max_length=REGION, required=False, help_text=REGION_HELP)
    state = serializers.ChoiceField(STATES, required=False)
    batch = WholeNumber(in_query=True, required=False, min_value=1, help_text="Those of this batch.")
    control = Text(max_length=20, required=False, help_text="CLM01.")
    changed_since = Instant(required=False, help_text="Changed at this time or later; Z, or +00:00 as %2B00:00.")


class BatchRow(serializers.ModelSerializer[Batch]):
    """A file of claims. `control` is ISA13 and GS06. Uploaded is not accepted: an acknowledgement says that."""

    url = serializers.HyperlinkedIdentityField(view_name="batch-detail")
    region = serializers.SlugRelatedField[Any](slug_field="name", read_only=True)
    document = serializers.IntegerField(source="document_id", read_only=True)

    class Meta:
        model = Batch
        fields = (
            "id", "url", "region", "document", "kind", "sender", "receiver", "usage", "control", "state", "detail",
            "claims", "charge", "created_at", "uploaded_at", "acknowledged_at", "answered_at",
        )  # fmt: skip


class BatchSetRow(serializers.ModelSerializer[BatchSet]):
    """An ST: its number is a 999's AK202, its reference a 277CA's TRN02; `acknowledged` is what the 999 says."""

    class Meta:
        model = BatchSet
        fields = ("number", "reference", "claims", "charge", "acknowledged")


class BatchReport(BatchRow):
    """A batch with its sets."""

    sets = BatchSetRow(many=True, read_only=True)

    class Meta(BatchRow.Meta):
        fields = (*BatchRow.Meta.fields, "sets")  # type: ignore[assignment]


class ClaimRow(serializers.ModelSerializer[Claim]):
    """A claim as it stands. `control` is CLM01; `replaces` the claim that it is a later version of."""

    url = serializers.HyperlinkedIdentityField(view_name="claim-detail")
    region = serializers.SlugRelatedField[Any](slug_field="name", read_only=True)
    batch = serializers.SerializerMethodField()
    replaces = serializers.IntegerField(source="replaces_id", read_only=True, allow_null=True)

    class Meta:
        model = Claim
        fields = (
            "id", "url", "region", "control", "kind", "frequency", "replaces", "appointment_id", "payer_id", "provider",
            "first_day", "last_day", "charge", "paid", "share", "state", "corrected", "withdrawn", "payer_claim",
            "batch", "created_at", "changed_at",
        )  # fmt: skip

    def get_batch(self, claim: Claim) -> int | None:
        return claim.batch_set.batch_id if claim.batch_set else None


class ClaimLineRow(serializers.ModelSerializer[ClaimLine]):
    class Meta:
        model = ClaimLine
        fields = (
            "number", "control", "block_code", "procedure", "modifiers", "quantity", "first_day", "last_day", "charge",
            "paid",
        )  # fmt: skip


class ClaimEventRow(serializers.ModelSerializer[ClaimEvent]):
    """What was said of a claim, and by which file. `detail`: of an adjudication its lines and adjustments."""

    document = serializers.IntegerField(source="document_id", read_only=True, allow_null=True)
    detail = serializers.SerializerMethodField()

    class Meta:
        model = ClaimEvent
        fields = ("at", "state", "code", "says", "document", "set_number", "segment", "paid", "share", "day", "detail")

    @extend_schema_field({"type": "object", "additionalProperties": True})
    def get_detail(self, event: ClaimEvent) -> dict[str, Any]:
        return dict(event.detail)


class Refusal(serializers.Serializer[Any]):
    """A rule that keeps a claim from being sent, and what to do."""

    rule = serializers.CharField()
    says = serializers.CharField()


class ClaimReport(ClaimRow):
    """A claim with its lines, the rules that refuse it, and everything that was said of it, the first thing first."""

    refused = serializers.SerializerMethodField()
    lines = ClaimLineRow(many=True, read_only=True)
    events = ClaimEventRow(many=True, read_only=True)
    versions = serializers.PrimaryKeyRelatedField[Any](
        many=True, read_only=True, help_text="Claims that replace this one."
    )

    class Meta(ClaimRow.Meta):
        fields = (*ClaimRow.Meta.fields, "refused", "lines", "events", "versions")  # type: ignore[assignment]

    @extend_schema_field(Refusal(many=True))
    def get_refused(self, claim: Claim) -> list[dict[str, str]]:
        return [{"rule": rule, "says": says} for rule, says in claim.refused]


@extend_schema_serializer(many=False)
class BatchPage(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True, help_text="The next page; null on the last one.")
    results = BatchRow(many=True)


@extend_schema_serializer(many=False)
class ClaimPage(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True, help_text="The next page; null on the last one.")
    results = ClaimRow(many=True)
