"""How the API writes consumers and what it took."""

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from clinic.events.standing import LAG_LIMIT, Standing


class ConsumerRow(serializers.Serializer[Any]):
    """A consumer now."""

    name = serializers.CharField(source="consumer.name")
    title = serializers.CharField(source="consumer.title")
    on = serializers.BooleanField(source="consumer.on", help_text="Off: no replica is meant to run.")
    replicas = serializers.IntegerField(source="consumer.replicas", help_text="How many are meant to run.")
    review = serializers.DateField(source="consumer.review", allow_null=True, help_text="When an off one is reviewed.")
    alive = serializers.IntegerField(allow_null=True, help_text="Replicas that run; null while Redis does not answer.")
    lag = serializers.IntegerField(help_text=f"Events that it is not done with, counted to {LAG_LIMIT}.")
    oldest = serializers.DateTimeField(allow_null=True, help_text="When the oldest of them was recorded.")
    oldest_seconds = serializers.SerializerMethodField(help_text="The age of the oldest; 0 where there is none.")
    pending = serializers.IntegerField(allow_null=True, help_text="Events that replicas have in hand.")
    retrying = serializers.IntegerField(help_text="Events that failed and are tried again.")
    dead = serializers.IntegerField(help_text="Events that failed too often.")

    def get_oldest_seconds(self, row: Standing) -> int:
        return int((self.context["now"] - row.oldest).total_seconds()) if row.oldest else 0


@extend_schema_serializer(many=False)
class ConsumerList(serializers.Serializer[Any]):
    results = ConsumerRow(many=True)


class Taken(serializers.Serializer[Any]):
    stored = serializers.BooleanField(help_text="False where the message was stored before.")
