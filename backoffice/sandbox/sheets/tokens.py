"""Service accounts: key files, and the JWT grant that Google's token endpoint takes (RFC 7523)."""

import base64
import json
import os
import secrets
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
AUDIENCE: Final = "https://oauth2.googleapis.com/token"  # what google-auth always names
SCOPES: Final = frozenset(
    {"https://www.googleapis.com/auth/spreadsheets", "https://www.googleapis.com/auth/drive"}
)  # fmt: skip


class NoGrant(Exception):
    """The assertion is not good; the message is what Google calls error_description."""


@dataclass(frozen=True, slots=True)
class Granted:
    """Whose token it is, and until when by time.monotonic()."""

    account: str
    until: float


class Tokens:
    """The accounts that have a key here and the tokens that they were given for `scopes`; safe under threads."""

    def __init__(self, *, seconds: float = 3600.0, scopes: frozenset[str] = SCOPES) -> None:
        self.seconds = seconds
        self._scopes = scopes
        self.issued = 0
        self._keys: dict[str, RSAPublicKey] = {}
        self._granted: dict[str, Granted] = {}
        self._lock = threading.Lock()

    def make_key_file(self, path: Path, account: str, token_uri: str) -> Path:
        """Write the key file of a service account, for this user alone; an older key of it is void."""
        key = generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        content = {
            "type": "service_account",
            "project_id": "nightward-sandbox",
            "private_key_id": secrets.token_hex(20),
            "private_key": pem,
            "client_email": account,
            "client_id": str(secrets.randbelow(10**21)),
            "token_uri": token_uri,
            "universe_domain": "googleapis.com",
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(content, file, indent=2)
        with self._lock:
            self._keys[account] = key.public_key()
        return path

    def grant(self, body: bytes, token_uri: str) -> dict[str, Any]:
        """The token endpoint's answer to a form. Raises NoGrant."""
        form = parse_qs(body.decode("latin-1"))
        if form.get("grant_type") != [GRANT]:
            raise NoGrant("Invalid grant_type")
        account = self._account_of(form.get("assertion", [""])[0], token_uri)
        token = f"ya29.{secrets.token_urlsafe(24)}"
        with self._lock:
            self._granted[token] = Granted(account, time.monotonic() + self.seconds)
            self.issued += 1
        return {"access_token": token, "expires_in": max(1, int(self.seconds)), "token_type": "Bearer"}

    def account(self, authorization: str) -> str | None:
        """Whose the bearer token is, while it lasts."""
        granted = self._granted.get(authorization.removeprefix("Bearer "))
        return granted.account if granted is not None and granted.until > time.monotonic() else None

    def revoke(self) -> None:
        """No token that was given is good any more."""
        with self._lock:
            self._granted.clear()

    def _account_of(self, assertion: str, token_uri: str) -> str:
        try:
            head, claims, signature = (_decoded(part) for part in assertion.split("."))
            header, claimed = json.loads(head), json.loads(claims)
            account, key = str(claimed["iss"]), self._keys.get(str(claimed["iss"]))
            issued, expires = float(claimed["iat"]), float(claimed["exp"])
            scopes = set(str(claimed.get("scope", "")).split())
        except (ValueError, KeyError, TypeError, AttributeError):
            raise NoGrant("Invalid JWT: Failed to parse") from None
        if key is None or header.get("alg") != "RS256":
            raise NoGrant("Invalid grant: account not found")
        try:
            key.verify(signature, assertion.rpartition(".")[0].encode(), PKCS1v15(), SHA256())
        except InvalidSignature:
            raise NoGrant("Invalid JWT Signature.") from None
        if not (issued - 60 <= time.time() < expires <= issued + 3660):
            raise NoGrant("Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.")
        if claimed.get("aud") not in (token_uri, AUDIENCE) or not scopes & self._scopes:
            raise NoGrant("Invalid JWT: the audience or the scope is wrong")
        return account


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
