"""What of Twilio's webhooks is looked at; it sends more, and is free to send yet more."""

from typing import Any

from rest_framework import serializers

SID = r"^[A-Z]{2}[0-9a-fA-F]{32}$"


class Receipt(serializers.Serializer[Any]):
    """What became of a message; ErrorCode where it failed."""

    MessageSid = serializers.RegexField(SID)
    MessageStatus = serializers.ChoiceField(
        [
            "accepted", "scheduled", "queued", "sending", "sent", "delivered", "undelivered", "failed", "canceled",
            "read", "receiving", "received",
        ]
    )  # fmt: skip
    ErrorCode = serializers.IntegerField(required=False, default=0, min_value=0, max_value=99_999)


class Inbound(serializers.Serializer[Any]):
    """A message of a person; OptOutType where the account's messaging service has Advanced Opt-Out."""

    MessageSid = serializers.RegexField(SID)
    From = serializers.RegexField(r"^\+?[0-9]{3,15}$")
    Body = serializers.CharField(required=False, default="", allow_blank=True, max_length=20_000)
    OptOutType = serializers.CharField(required=False, default="", allow_blank=True, max_length=20)
