"""Coverage by pVerify: EasyEligibilitySummary, which is billed for each call and therefore sent once, and polling.

Sources: pVerify's request collection (postman.pverify.com): Easy calls carry Client-API-Id and Client-Secret and need
no token, GetEligibilitySummary wants one of /Token; errors come with HTTP 200 and APIResponseCode. There is no
idempotency key (contract X-17). What is known of people is in no exception, log or address.
"""

import json
import threading
import time
from typing import Any, Final
from urllib.parse import urlencode

from backoffice.adapters.eligibility_reading import checked_of
from backoffice.adapters.eligibility_types import (
    Checked,
    EligibilityRefused,
    Inquiry,
    NoFunds,
    NotAsked,
    Pending,
    Processed,
    Rejected,
    Report,
    Unknown,
)
from backoffice.adapters.http import Answer, HttpClient, NotSent, Unanswered, is_safe_url

__all__ = [
    "Checked",
    "Eligibility",
    "EligibilityRefused",
    "Inquiry",
    "NoFunds",
    "NotAsked",
    "Pending",
    "Processed",
    "Rejected",
    "Report",
    "Unknown",
]
PVERIFY: Final = "https://api.pverify.com"


class Eligibility:
    """One client of pVerify; safe to share between threads. A call takes at most `timeout` seconds.

    Raises EligibilityRefused for an address that is not https, or credentials that no header can hold.
    """

    def __init__(
        self,
        client_id: str,
        client_secret: str,
        *,
        timeout: float = 90.0,
        base_url: str = PVERIFY,
        connections: int = 4,
    ) -> None:
        if not is_safe_url(base_url):
            raise EligibilityRefused("The address of pVerify is not an https URL.")
        if not all(text and text.isascii() and text.isprintable() for text in (client_id, client_secret)):
            raise EligibilityRefused(
                "pVerify's client id or secret is missing, or has characters that no header can hold."
            )
        self._base, self._id, self._secret = base_url.rstrip("/"), client_id, client_secret
        headers = {"Client-API-Id": client_id, "Accept": "application/json"}
        self._http = HttpClient(timeout=timeout, connections=connections, headers=headers)
        self._lock = threading.Lock()
        self._token, self._good_until = "", 0.0

    def check(self, inquiry: Inquiry) -> Checked:
        """Ask the payer, once: each call is billed. An Unknown may have been billed and is not to be sent again."""
        body = json.dumps(inquiry.as_json(), separators=(",", ":")).encode()
        headers = {"Client-Secret": self._secret, "Content-Type": "application/json"}
        return self._checked("POST", "/API/EasyEligibilitySummary", body, headers)

    def poll(self, request_id: int) -> Checked:
        """What became of a Pending inquiry. Not billed, so it may be asked again whatever comes back."""
        for _ in range(2):
            token = self._current_token()
            if isinstance(token, NotAsked):
                return token
            headers = {"Authorization": f"Bearer {token}"}
            checked = self._checked("GET", f"/API/GetEligibilitySummary/{request_id:d}", None, headers)
            if not (isinstance(checked, NotAsked) and checked.code == "http_401"):
                break
            self._forget(token)
        return checked

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _checked(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Checked:
        try:
            answer = self._http.send(method, self._base + path, body, headers)
        except NotSent:
            return NotAsked(code="connection", permanent=False)
        except Unanswered:
            return Unknown(code="unanswered")
        if answer.status == 200:
            return checked_of(answer.body)
        if answer.status >= 500 or answer.status == 408:
            return Unknown(code=f"http_{answer.status}")
        return NotAsked(code=f"http_{answer.status}", permanent=answer.status != 429, retry_after=answer.retry_after)

    def _current_token(self) -> str | NotAsked:
        with self._lock:
            if time.monotonic() < self._good_until:
                return self._token
            form = {"Client_Id": self._id, "Client_Secret": self._secret, "grant_type": "client_credentials"}
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            try:
                answer = self._http.send("POST", f"{self._base}/Token", urlencode(form).encode(), headers)
            except (NotSent, Unanswered):
                return NotAsked(code="token_connection", permanent=False)
            token, seconds = _token_of(answer)
            if not token:
                return NotAsked(
                    code=f"token_http_{answer.status}", permanent=answer.status < 500 and answer.status != 429
                )
            self._token, self._good_until = token, time.monotonic() + seconds - min(30.0, seconds / 3)
            return token

    def _forget(self, token: str) -> None:
        with self._lock:
            if self._token == token:
                self._good_until = 0.0


def _token_of(answer: Answer) -> tuple[str, float]:
    """(the token, how long it is good); empty where the answer has none."""
    try:
        given: Any = json.loads(answer.body)
    except (ValueError, RecursionError):
        given = None
    if answer.status != 200 or not isinstance(given, dict):
        return "", 0.0
    token, seconds = given.get("access_token"), given.get("expires_in")
    if not (isinstance(token, str) and token.isascii() and token.isprintable() and " " not in token):
        return "", 0.0
    return token, float(seconds) if isinstance(seconds, int) and 0 < seconds < 10**6 else 60.0
