"""The key ring: what must not be read from a stolen database or back-up is sealed by AES-256-GCM.

A sealed text is "1.<key id>.<nonce, ciphertext and tag in URL-safe base64>". Its associated data say where it belongs
(model, row, field), so that ciphertext copied to another row or column does not open.
"""

import base64
import binascii
import hashlib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

NONCE_BYTES = 12
SEALED = re.compile(r"1\.(?P<key_id>[0-9a-f]{8})\.(?P<body>[A-Za-z0-9_-]+={0,2})")


class SecretUnreadable(Exception):
    """A secret cannot be opened: its key is not in FIELD_KEYS, or it was tampered with or moved from another row."""

    def __init__(self, place: str) -> None:
        super().__init__(f"The secret at {place} does not open: its key is not in FIELD_KEYS, or it was tampered with.")


@dataclass(frozen=True, slots=True)
class Sealed:
    """Ciphertext on its way to or from the database; it shows nothing of itself."""

    text: str = field(repr=False)

    @property
    def key_id(self) -> str:
        """The key that sealed it; empty where the text was never sealed by us."""
        match = SEALED.fullmatch(self.text)
        return match["key_id"] if match else ""


def seal(clear: str, place: str) -> Sealed:
    """Seal `clear` for `place` under the newest key."""
    key_id, cipher = next(iter(_ring(tuple(settings.FIELD_KEYS)).items()))
    nonce = os.urandom(NONCE_BYTES)
    body = nonce + cipher.encrypt(nonce, clear.encode(), place.encode())
    return Sealed(f"1.{key_id}.{base64.urlsafe_b64encode(body).decode()}")


def unseal(sealed: Sealed, place: str) -> str:
    """The clear text; SecretUnreadable, never ciphertext, where it does not open."""
    match = SEALED.fullmatch(sealed.text)
    cipher = _ring(tuple(settings.FIELD_KEYS)).get(match["key_id"]) if match else None
    if match is None or cipher is None:
        raise SecretUnreadable(place)
    try:
        body = base64.urlsafe_b64decode(match["body"])
        return cipher.decrypt(body[:NONCE_BYTES], body[NONCE_BYTES:], place.encode()).decode()
    except (InvalidTag, ValueError):
        raise SecretUnreadable(place) from None


def newest_key_id() -> str:
    """The id of the key that seals from now on."""
    return next(iter(_ring(tuple(settings.FIELD_KEYS))))


def key_ids(keys: Iterable[str]) -> list[str]:
    """The ids of these keys, as FIELD_KEYS has them; they tell nothing of the keys."""
    return list(_ring(tuple(keys)))


@lru_cache(maxsize=8)
def _ring(keys: tuple[str, ...]) -> dict[str, AESGCM]:
    """Ciphers by key id, newest first. An id is eight hexadecimal digits of a hash, which tells nothing of the key."""
    ring = {}
    for position, text in enumerate(keys, start=1):
        try:
            key = base64.b64decode(text, altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if len(key) != 32:
            raise ImproperlyConfigured(f"FIELD_KEYS: key {position} is not 32 bytes in URL-safe base64.")
        ring[hashlib.sha256(b"nightward field key " + key).hexdigest()[:8]] = AESGCM(key)
    if not ring:
        raise ImproperlyConfigured("FIELD_KEYS names no key: secrets can neither be sealed nor opened.")
    return ring
