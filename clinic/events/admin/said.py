"""What an event says, for a person to read."""

from typing import Any

from clinic.events.inbound.cloudevents import EVENT_KEY
from clinic.events.inbound.forgetting import LINK
from clinic.events.models import Outbox


def said(event: Outbox) -> list[tuple[str, Any]]:
    """(name, value) of its data, without what only leads programs to its message."""
    return sorted((name, value) for name, value in event.data.items() if name not in (LINK, EVENT_KEY))
