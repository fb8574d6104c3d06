"""Sends one event: CloudEvents 1.0 in JSON (structured mode), signed as Standard Webhooks says.

Sources: cloudevents.io, spec v1.0.2 and its JSON format and HTTP binding; standardwebhooks.com, specification: the
headers webhook-id, webhook-timestamp and webhook-signature, HMAC-SHA256 over id.timestamp.body.
"""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

MARK: Final = "whsec_"


class NotDelivered(Exception):
    """Nobody answered; the message is the kind of fault."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """What happened to `subject`, the order: a later one of the same is the same event when its id is."""

    type: str
    source: str
    subject: str
    data: Mapping[str, Any]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def as_json(self) -> bytes:
        """The body."""
        document = {
            "specversion": "1.0", "id": self.id, "source": self.source, "type": self.type, "subject": self.subject,
            "time": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            "datacontenttype": "application/json", "data": dict(self.data),
        }  # fmt: skip
        return json.dumps(document, separators=(",", ":")).encode()


def new_secret() -> str:
    """One that nobody has: 32 bytes."""
    return MARK + base64.b64encode(secrets.token_bytes(32)).decode()


def key_of(secret: str) -> bytes:
    """The key of a secret. Raises ValueError."""
    try:
        key = base64.b64decode(secret.removeprefix(MARK), validate=True)
    except binascii.Error as error:
        raise ValueError("no base64") from error
    if not secret.startswith(MARK) or not 24 <= len(key) <= 64:
        raise ValueError(f"not {MARK} and 24 to 64 bytes in base64")
    return key


def headers_of(message: str, body: bytes, key: bytes, *, now: float) -> dict[str, str]:
    """The headers of one attempt to deliver `message`."""
    stamp = str(int(now))
    signed = b".".join((message.encode(), stamp.encode(), body))
    signature = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return {"webhook-id": message, "webhook-timestamp": stamp, "webhook-signature": f"v1,{signature}"}


def deliver(event: Event, url: str, key: bytes, *, times: int = 1) -> list[tuple[int, str]]:
    """POST the event, `times` times with the same id; (status, body) of each answer. Raises NotDelivered."""
    import httpx2  # which the commands that send nothing start without

    body, answers = event.as_json(), []
    with httpx2.Client(timeout=10, trust_env=False) as http:
        for _ in range(times):
            headers = headers_of(event.id, body, key, now=time.time())
            headers["Content-Type"] = "application/cloudevents+json; charset=utf-8"
            try:
                answer = http.post(url, content=body, headers=headers)
            except (httpx2.HTTPError, httpx2.InvalidURL) as error:
                raise NotDelivered(type(error).__name__) from error
            answers.append((answer.status_code, answer.text))
    return answers
