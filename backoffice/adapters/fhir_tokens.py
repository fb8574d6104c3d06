"""Tokens for a FHIR server: none, a fixed one, or OAuth2 client credentials, renewed once for a whole region."""

import base64
import threading
import time
from typing import Any, Final, Protocol
from urllib.parse import quote, urlencode

from backoffice.adapters import fhir_json
from backoffice.adapters.fhir_outcome import PASSING
from backoffice.adapters.fhir_token_store import TokenStore
from backoffice.adapters.fhir_types import FhirRefused, FhirUnavailable
from backoffice.adapters.http import Answer, HttpClient, NotSent, Unanswered, is_http_url, pause_before

RETRIES: Final = 3
DEFAULT_LIFETIME: Final = 60.0  # where the server does not say


class Tokens(Protocol):
    """Where a client's bearer token comes from; safe to share between threads."""

    def current(self) -> str:
        """A token that is good as far as is known; empty: the server is open. FhirRefused or FhirUnavailable."""

    def renewed(self, refused: str) -> str:
        """Another token than the one that was refused. FhirRefused where there is none."""

    def close(self) -> None:
        """Close what is open."""


class StaticToken:
    """The same token for ever; empty for an open server."""

    def __init__(self, token: str = "") -> None:
        if not is_header_text(token):
            raise FhirRefused("The FHIR server's token has characters that no header can hold.")
        self._token = token

    def current(self) -> str:
        return self._token

    def renewed(self, refused: str) -> str:
        raise FhirRefused("The FHIR server refuses the token (HTTP 401): give the region a valid one.")

    def close(self) -> None:
        """Nothing is open."""


class ClientCredentials:
    """Tokens from `token_url` for client `client_id` (RFC 6749, 4.4; HTTP Basic), shared in Redis under `key`.

    An empty `redis_url` leaves them to this object alone. The secret goes to `token_url` only, never on by a redirect.
    """

    def __init__(
        self, token_url: str, client_id: str, client_secret: str, *, redis_url: str, key: str, scope: str = "",
        timeout: float = 30.0, backoff: float = 1.0,
    ) -> None:  # fmt: skip
        if not is_http_url(token_url):
            raise FhirRefused("FHIR_TOKEN_URL is not an http or https URL without user and password.")
        self._url, self._backoff, self._key = token_url, backoff, key
        pair = f"{quote(client_id, safe='')}:{quote(client_secret, safe='')}"
        basic = base64.b64encode(pair.encode()).decode()
        self._http = HttpClient(
            timeout=timeout,
            connections=1,
            headers={
                "Authorization": f"Basic {basic}",
                "Content-Type": "application/x-www-form-urlencoded",
                "Accept": "application/json",
            },
        )
        self._form = urlencode({"grant_type": "client_credentials"} | ({"scope": scope} if scope else {})).encode()
        secret = f"{token_url}\n{client_id}\n{client_secret}"
        self._shared = TokenStore(redis_url, key, secret=secret) if redis_url else None
        self._lock = threading.Lock()
        self._token, self._good_until = "", 0.0

    def current(self) -> str:
        with self._lock:
            if time.time() >= self._good_until:
                self._renew("")
            return self._token

    def renewed(self, refused: str) -> str:
        with self._lock:
            if self._token == refused:
                self._renew(refused)
            return self._token

    def close(self) -> None:
        self._http.close()
        if self._shared is not None:
            self._shared.close()

    def _renew(self, refused: str) -> None:
        """Take the token that another worker got since, or get one; again where the token server is in trouble."""
        attempt = 0
        while True:
            try:
                shared = self._shared
                self._token, self._good_until = shared.taken_or(self._fetch, refused) if shared else self._fetch()
            except _Passing as fault:
                attempt += 1
                if attempt > RETRIES:
                    raise FhirUnavailable(fault.code) from None
                time.sleep(pause_before(attempt, fault.retry_after, first=self._backoff, growth=2.0))
            else:
                return

    def _fetch(self) -> tuple[str, float]:
        """(a new token, until when it is good)."""
        try:
            answer = self._http.post(self._url, self._form)
        except (NotSent, Unanswered):
            raise _Passing("token_connection", None) from None
        if answer.status in PASSING:
            raise _Passing(f"token_http_{answer.status}", answer.retry_after)
        token, lifetime = _token_of(answer)
        return token, time.time() + lifetime - min(30.0, lifetime / 3)  # what is under way must arrive


class _Passing(Exception):
    """The token server may answer in a moment."""

    def __init__(self, code: str, retry_after: float | None) -> None:
        super().__init__(code)
        self.code, self.retry_after = code, retry_after


def is_header_text(token: str) -> bool:
    """Whether a header can hold it."""
    return token.isascii() and token.isprintable() and " " not in token if token else True


def _token_of(answer: Answer) -> tuple[str, float]:
    if answer.status != 200:
        raise FhirRefused(
            f"The token server refuses the client (HTTP {answer.status}): correct FHIR_TOKEN_URL, FHIR_CLIENT_ID or"
            " FHIR_CLIENT_SECRET."
        )
    try:
        given: dict[str, Any] = fhir_json.read(answer.body)
    except fhir_json.Unreadable:
        given = {}
    token = given.get("access_token")
    if not (isinstance(token, str) and token and is_header_text(token)):
        raise FhirRefused("What FHIR_TOKEN_URL answers is no token: correct it.")
    try:
        lifetime = float(given.get("expires_in", DEFAULT_LIFETIME))
    except (TypeError, ValueError):
        lifetime = DEFAULT_LIFETIME
    return token, lifetime if 0 < lifetime < float("inf") else DEFAULT_LIFETIME
