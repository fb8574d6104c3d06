"""Who may ask: a fixed token, or OAuth2 client credentials whose tokens last for seconds."""

import base64
import binascii
import hmac
import json
import secrets
import threading
import time
from collections.abc import Mapping
from urllib.parse import parse_qs, unquote

from backoffice.sandbox.fhir.shape import Shape
from backoffice.sandbox.http import Reply, Request


class Tokens:
    """`token` is always good; those that `clients` (id: secret) get, `issued` of them, for shape.token_seconds each."""

    def __init__(self, token: str, clients: Mapping[str, str], shape: Shape) -> None:
        self.token, self._clients, self._shape = token, dict(clients), shape
        self.issued = 0
        self.received: set[str] = set()
        self._good_until: dict[str, float] = {}
        self._lock = threading.Lock()

    def allows(self, request: Request) -> bool:
        """Whether the request has a good token; what it has is remembered in `received`."""
        scheme, _, sent = request.headers.get("authorization", "").partition(" ")
        with self._lock:
            self.received.add(sent)
            good = time.monotonic() < self._good_until.get(sent, 0.0)
        return scheme.lower() == "bearer" and (good or self.is_fixed(request))

    def is_fixed(self, request: Request) -> bool:
        """Whether it has the fixed token."""
        sent = request.headers.get("authorization", "")
        return bool(self.token) and hmac.compare_digest(sent.encode(), f"Bearer {self.token}".encode())

    def grant(self, request: Request) -> Reply:
        """Answer POST /token (RFC 6749, 4.4)."""
        form = {name: values[0] for name, values in parse_qs(request.body.decode("latin-1")).items()}
        if form.get("grant_type") != "client_credentials":
            return _error(400, "unsupported_grant_type")
        name, secret = _basic(request) or (form.get("client_id", ""), form.get("client_secret", ""))
        known = self._clients.get(name)
        if known is None or not hmac.compare_digest(secret.encode(), known.encode()):
            return _error(401, "invalid_client")
        token, lifetime = secrets.token_urlsafe(24), self._shape.token_seconds
        with self._lock:
            self.issued += 1
            self._good_until[token] = time.monotonic() + lifetime
        given = {"access_token": token, "token_type": "Bearer", "expires_in": int(lifetime) or lifetime}
        return Reply(200, json.dumps(given).encode(), headers=(("Cache-Control", "no-store"),))

    def revoke(self) -> None:
        """Every token that was granted is bad from now on."""
        with self._lock:
            self._good_until.clear()


def _basic(request: Request) -> tuple[str, str] | None:
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(text, validate=True).decode().partition(":")
    except (ValueError, binascii.Error):
        return None
    return unquote(name), unquote(secret)


def _error(status: int, word: str) -> Reply:
    return Reply(status, json.dumps({"error": word}).encode(), headers=(("Cache-Control", "no-store"),))
