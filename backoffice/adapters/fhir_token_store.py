"""One token for all workers of a region, kept in Redis until shortly before its end, and renewed by one of them.

It is sealed with a key that only those have who know the client's secret: Redis's file is no place for secrets in
clear.
"""

import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from redis import Redis
from redis.exceptions import RedisError

from backoffice.adapters.pace import PaceUnavailable

LOCK_SECONDS: Final = 40.0  # longer than a call of the token server may take; a holder that died is waited for so long
RELEASE: Final = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end"
Token = tuple[str, float]  # and until when it is good, in seconds since 1970


class TokenStore:
    """The token of the credentials in `secret`, under `key`; who has other credentials sees none.

    Raises PaceUnavailable where Redis does not answer.
    """

    def __init__(self, redis_url: str, key: str, *, secret: str) -> None:
        self._redis = Redis.from_url(redis_url, socket_timeout=5, socket_connect_timeout=5)
        self._key, self._lock_key = key, f"{key}:lock"
        derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"nightward fhir token").derive(secret.encode())
        self._seal = AESGCM(derived)

    def taken_or(self, fetch: Callable[[], Token], refused: str) -> Token:
        """The token that is kept, unless it is the `refused` one or at its end; else what `fetch` gets, and keep it.

        Of all workers one fetches at a time, and the others wait for what it gets. What `fetch` raises comes through.
        """
        while True:
            if (kept := self._load()) and kept[0] != refused:
                return kept
            with self._turn() as mine:
                if mine:
                    kept = self._load()  # another's turn may have ended just now
                    return kept if kept and kept[0] != refused else self._keep(fetch())
            time.sleep(0.05)

    def close(self) -> None:
        """Close the connections to Redis."""
        self._redis.close()

    def _load(self) -> Token | None:
        with _answering():
            sealed = self._redis.get(self._key)
        if not isinstance(sealed, bytes):
            return None
        try:
            token, good_until = json.loads(self._seal.decrypt(sealed[:12], sealed[12:], self._key.encode()))
        except (InvalidTag, ValueError):
            return None
        return (token, good_until) if time.time() < good_until else None

    def _keep(self, token: Token) -> Token:
        nonce = secrets.token_bytes(12)
        sealed = nonce + self._seal.encrypt(nonce, json.dumps(token).encode(), self._key.encode())
        with _answering():
            self._redis.set(self._key, sealed, px=max(1, int((token[1] - time.time()) * 1000)))
        return token

    @contextmanager
    def _turn(self) -> Iterator[bool]:
        mark = secrets.token_hex(8)
        with _answering():
            mine = bool(self._redis.set(self._lock_key, mark, nx=True, px=int(LOCK_SECONDS * 1000)))
        try:
            yield mine
        finally:
            if mine:
                with _answering():
                    self._redis.eval(RELEASE, 1, self._lock_key, mark)


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except RedisError as error:
        raise PaceUnavailable(f"The token cannot be shared: Redis does not answer ({type(error).__name__}).") from None
