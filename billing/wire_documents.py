"""What files and their payments look like over the API: numbers, codes and dollars, and nothing of their content."""

from typing import Any

from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from backoffice.rest.pages import PageQuery
from backoffice.rest.strict import Text
from billing.models import Document, Payment
from billing.unbalanced import unbalanced_of
from billing.wire import REGION, REGION_HELP

PAYMENTS_SHOWN = 100


class DocumentQuery(PageQuery):
    """Which files a list shows."""

    region = Text(max_length=REGION, required=False, help_text=REGION_HELP)
    direction = serializers.ChoiceField(Document.Direction.choices, required=False)
    state = serializers.ChoiceField(Document.State.choices, required=False)
    kind = Text(max_length=20, required=False, help_text="837P, 999, 277CA, TA1, 835, …")


class DocumentRow(serializers.ModelSerializer[Document]):
    """A file as it was sent or received. unreadable: nothing of it is known; a person settles it."""

    url = serializers.HyperlinkedIdentityField(view_name="document-detail")
    region = serializers.SlugRelatedField[Any](slug_field="name", read_only=True)

    class Meta:
        model = Document
        fields = ("id", "url", "region", "direction", "kind", "size", "sha256", "state", "created_at", "read_at")


class Balance(serializers.Serializer[Any]):
    """difference = charge - paid - adjusted; `segment` counts from the set's ST."""

    segment = serializers.IntegerField()
    charge = serializers.DecimalField(15, 2)
    paid = serializers.DecimalField(15, 2)
    adjusted = serializers.DecimalField(15, 2)
    difference = serializers.DecimalField(15, 2)


class LineBalance(Balance):
    control = serializers.CharField(help_text="REF 6R; empty where the claim is none of ours.")


class ClaimBalance(Balance):
    """`lines_off`: by how much the charge is not that of its lines."""

    claim = serializers.IntegerField(allow_null=True, help_text="Our claim; null where it names none.")
    account = serializers.CharField(help_text="CLP01 of a claim of ours, else empty.")
    lines_off = serializers.DecimalField(15, 2)
    lines = LineBalance(many=True)


class PaymentRow(serializers.ModelSerializer[Payment]):
    """One ST of an 835. parked: nothing of it was posted, `faults` say why; `unbalanced` has the first 50 of
    `unbalanced_claims`."""

    unbalanced = serializers.SerializerMethodField()
    faults = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = Payment
        fields = (
            "id", "place", "set_number", "payer", "originator", "trace", "method", "paid_on", "state", "total",
            "claims", "unmatched", "paid", "adjusted", "difference", "faults", "unbalanced_claims", "unbalanced",
        )  # fmt: skip

    @extend_schema_field(ClaimBalance(many=True))
    def get_unbalanced(self, payment: Payment) -> Any:
        return ClaimBalance(self.context["unbalanced"][payment.pk], many=True).data


class DocumentReport(DocumentRow):
    """A file with its first 100 payments."""

    payments = serializers.SerializerMethodField()

    class Meta(DocumentRow.Meta):
        fields = (*DocumentRow.Meta.fields, "payments")  # type: ignore[assignment]

    @extend_schema_field(PaymentRow(many=True))
    def get_payments(self, document: Document) -> Any:
        rows = list(Payment.objects.filter(document=document).order_by("place")[:PAYMENTS_SHOWN])
        return PaymentRow(rows, many=True, context={**self.context, "unbalanced": unbalanced_of(rows)}).data


@extend_schema_serializer(many=False)
class DocumentPage(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True, help_text="The next page; null on the last one.")
    results = DocumentRow(many=True)
