"""CloudEvents 1.0 in JSON, structured mode (cloudevents.io), and what of their data becomes an event of ours."""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from backoffice.rest.strict import JsonObject, Pattern, Text
from clinic.events.inbound.models import Channel
from clinic.events.inbound.storing import Told

TYPES = {Channel.LIS: "lis.sample.", Channel.POS: "pos.order."}
# What of `data` goes into our event: ids, instants and codes. All else stays in the encrypted message.
KEPT = (
    "appointment_id", "order_id", "specimen_id", "accession", "test_code", "reason_code", "payment_id", "refund_id",
    "status", "amount", "currency", "occurred_at",
)  # fmt: skip
# What makes an event of a point of sale the same as another, where it has no number and no time.
EVENT_KEY = "event_key"
PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+/-]{0,63}")


class CloudEvent(serializers.Serializer[Any]):
    """The attributes that we ask for; extensions and those we have no use for are let pass, as CloudEvents wants."""

    specversion = serializers.ChoiceField(["1.0"])
    id = Text(max_length=200)
    source = Text(max_length=500, help_text="Who sends it, as a URI reference.")  # type: ignore[assignment]
    type = Pattern(r"^[a-z]+(\.[a-z][a-z0-9_]*){2}$", max_length=100)
    subject = Pattern(
        r"^[A-Za-z0-9][A-Za-z0-9._:+/-]{0,127}$",
        help_text="The number of the order, or what else the events of one order agree in: they are handled in order.",
    )
    time = serializers.DateTimeField(required=False)
    data = JsonObject(  # type: ignore[assignment]  # the name is CloudEvents'
        required=False,
        default=dict,
        help_text=f"Of it {', '.join(KEPT)} are used, as text of letters, digits and . _ : + / -;"
        " amount may be a number.",
    )


def told_by(channel: str, event: Mapping[str, Any]) -> Told:
    """The event of ours; its subject is the sender's, so that it is nobody else's.

    Of a point of sale: EVENT_KEY, SHA-256 of source and id, which CloudEvents has unique; an amount that is none is
    `unreadable`, and not left out as if nobody had said it.
    """
    said = event["data"]
    data = {key: str(value) for key, value in said.items() if key in KEPT and _is_plain(value)}
    if channel == Channel.POS:
        if said.get("amount") is not None:
            data.setdefault("amount", _amount(said["amount"]))
        data[EVENT_KEY] = hashlib.sha256(f"{event['source']}\n{event['id']}".encode()).hexdigest()
    if "time" in event:
        data.setdefault("occurred_at", event["time"].isoformat())
    return Told(type=event["type"], subject=f"{channel}/{event['subject']}", data=data)


def _amount(value: object) -> str:
    """A JSON number as the decimal digits that it was written with."""
    return repr(value) if type(value) is float else "unreadable"


def _is_plain(value: object) -> bool:
    """Whether it can be an id, an instant or a code, and not a name or a sentence."""
    return type(value) in (str, int) and PLAIN.fullmatch(str(value)) is not None
