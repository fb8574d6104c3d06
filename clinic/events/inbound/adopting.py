"""Messages that came before events named theirs (LINK): each is read once more and its events are led to it.

Without that, nothing leads from a patient to the text. What cannot be led is emptied at once: nobody could find it when
its patient is removed, and its events, with all that is used of it, stay.
"""

import json
from collections.abc import Iterator
from datetime import UTC, timedelta
from typing import Any

from backoffice.keyring import SecretUnreadable
from clinic.events.inbound.forgetting import LINK
from clinic.events.inbound.hl7v2 import Refused, header_of, told_by

# An event is recorded in the transaction of its message, a moment after it.
AT_MOST = timedelta(minutes=1)
PAGE = 500


def adopt(messages: Any, events: Any) -> tuple[int, int]:
    """How many were led to their events, and how many emptied. `messages`, `events`: managers of Inbound and Outbox,
    which may be a migration's. Safe to repeat; a text whose key is missing is left as it is."""
    named = set(events.filter(data__has_key=LINK).values_list(f"data__{LINK}", flat=True))
    led = emptied = last = 0
    while page := list(messages.filter(pk__gt=last).order_by("pk")[:PAGE]):
        last = page[-1].pk
        for message in page:
            try:
                text = "" if message.pk in named else str(message.body)
            except SecretUnreadable:
                continue
            if text and _lead(message, text, events):
                led += 1
            elif text:
                message.body = ""
                message.save(update_fields=["body"])
                emptied += 1
    return led, emptied


def _lead(message: Any, text: str, events: Any) -> bool:
    """Whether any of the message's events is there."""
    found = False
    for type_, subject in _said(message, text):
        rows = events.filter(region=message.region_id, type=type_, subject=subject).exclude(data__has_key=LINK)
        near = rows.filter(recorded_at__gte=message.received_at, recorded_at__lt=message.received_at + AT_MOST)
        event = near.order_by("pk").first()
        if event is not None:
            event.data = {**event.data, LINK: message.pk}
            event.save(update_fields=["data"])
            found = True
    return found


def _said(message: Any, text: str) -> Iterator[tuple[str, str]]:
    """(type, subject) of each event that the text tells of; none where it cannot be read."""
    try:
        if message.protocol == "mllp":
            body = text.encode()
            yield from ((one.type, one.subject) for one in told_by(body, header_of(body), UTC))
        else:
            event = json.loads(text)
            yield str(event["type"]), f"{message.channel}/{event['subject']}"
    except (Refused, ValueError, KeyError, TypeError):
        return
