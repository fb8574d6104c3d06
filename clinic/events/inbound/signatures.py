"""Signatures as Standard Webhooks says: github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md."""

import base64
import hmac
from collections.abc import Mapping, Sequence

TOLERANCE_SECONDS = 300
MOST_SIGNATURES = 20
MOST_ID = 200


class BadSignature(Exception):
    """The message was not signed by who has one of the secrets, or not now. The message says which, for tests."""


def verify(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], *, now: float) -> str:
    """The message's id; BadSignature unless one of its signatures was made with one of the secrets, within 5 minutes.

    A sender that changes its secret signs with both; a receiver that changes its own knows both. Each pair is compared
    in constant time, and all of them, whichever is right.
    """
    message, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not 0 < len(message) <= MOST_ID or not message.isascii() or not message.isprintable():
        raise BadSignature("id")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise BadSignature("timestamp")
    if abs(now - int(timestamp)) > TOLERANCE_SECONDS:
        raise BadSignature("time")
    given = _given(headers.get("webhook-signature", ""))
    signed = b".".join((message.encode(), timestamp.encode(), body))
    made = [sign(signed, secret) for secret in secrets]
    equal = [hmac.compare_digest(one, other) for one in given for other in made]
    if not any(equal):
        raise BadSignature("signature")
    return message


def sign(signed: bytes, secret: str) -> bytes:
    """HMAC-SHA256 of id.timestamp.body in base64; the secret is whsec_ and the key in base64."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return base64.b64encode(hmac.digest(key, signed, "sha256"))


def _given(header: str) -> list[bytes]:
    """The signatures of version 1 in the header; other versions, such as v1a, are left alone."""
    pieces = (piece.partition(",") for piece in header.split(" ")[:MOST_SIGNATURES])
    return [signature.encode("latin-1", "replace") for version, _, signature in pieces if version == "v1"]
