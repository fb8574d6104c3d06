"""Push messages by FCM's HTTP v1 API, each sent once, as a service account whose tokens google-auth gets.

Sources: "FCM Error Codes", "REST Resource: projects.messages". A device's token and the texts are in no exception, log
or address.
"""

import json
import threading
from collections.abc import Mapping
from typing import Any, Final

from google.auth.exceptions import GoogleAuthError, RefreshError, TransportError
from google.oauth2.service_account import Credentials

from backoffice.adapters.http import Answer, HttpClient, NotSent, Unanswered, is_safe_url
from backoffice.adapters.sending import Accepted, Refused, Sent, Unknown

FCM: Final = "https://fcm.googleapis.com"
SCOPE: Final = "https://www.googleapis.com/auth/firebase.messaging"
LARGEST: Final = 4096  # bytes of title, text and data together


class PushRefused(Exception):
    """Nothing can be sent until somebody changes a setting; the message is one line."""


class Push:
    """One Firebase project; `key` is what the key file of its service account holds. Safe to share between threads.

    A call takes at most `timeout` seconds, and as much again where a token is needed. Raises PushRefused for a key that
    is none, without repeating it.
    """

    def __init__(
        self, key: Mapping[str, Any], *, timeout: float = 30.0, base_url: str = FCM, connections: int = 8
    ) -> None:
        if not is_safe_url(base_url):
            raise PushRefused("The address of FCM is not an https URL.")
        try:
            self._account: Credentials = Credentials.from_service_account_info(key, scopes=[SCOPE])  # type: ignore[no-untyped-call]
            project, token_uri = str(key["project_id"]), str(key["token_uri"])
        except (ValueError, GoogleAuthError, TypeError, AttributeError, KeyError):
            raise PushRefused(
                "The push key is not a service account's key file: download one in Firebase's console."
            ) from None
        if not is_safe_url(token_uri):
            raise PushRefused("The push key names a token_uri that is not https: download the key file again.")
        self._url = f"{base_url.rstrip('/')}/v1/projects/{project}/messages:send"
        self._http = HttpClient(timeout=timeout, connections=connections, headers={"Accept": "application/json"})
        self._lock = threading.Lock()

    def send_push(self, device: str, title: str, body: str, data: Mapping[str, str] | None = None) -> Sent:
        """Show `title` and `body` on the device of this registration token; `data` goes to the app.

        It is sent once: a Refused that is not permanent may be sent again. Whether an Unknown arrived cannot be found
        out: FCM tells nobody. Refused for "address", the registration token is of no use any more.
        """
        notification, told = {"title": title, "body": body}, dict(data or {})
        if len(json.dumps(notification | told).encode()) > LARGEST:
            return Refused(code="too_big", why="message", permanent=True)
        message = {"token": device, "notification": notification} | ({"data": told} if told else {})
        content = json.dumps({"message": message}, separators=(",", ":")).encode()
        answer = self._posted(content, "")
        if isinstance(answer, Answer) and answer.status == 401 and "THIRD_PARTY_AUTH_ERROR" not in _words(answer):
            answer = self._posted(content, str(self._account.token))  # revoked before its time
        return _sent(answer) if isinstance(answer, Answer) else answer

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _posted(self, content: bytes, refused: str) -> Answer | Refused | Unknown:
        """The answer; `refused` is a bearer token that is known not to be good any more."""
        try:
            bearer = self._bearer(refused)
        except RefreshError as error:
            busy = bool(error.retryable)
            return Refused(code="token", why="busy" if busy else "account", permanent=not busy)
        except TransportError:
            return Refused(code="token_connection", why="busy", permanent=False)
        headers = {"Authorization": f"Bearer {bearer}", "Content-Type": "application/json"}
        try:
            return self._http.send("POST", self._url, content, headers)
        except NotSent:
            return Refused(code="connection", why="busy", permanent=False)
        except Unanswered:
            return Unknown(code="unanswered")

    def _bearer(self, refused: str) -> str:
        with self._lock:
            if not self._account.valid or self._account.token == refused:
                self._account.refresh(self._fetch)  # type: ignore[no-untyped-call]
            return str(self._account.token)

    def _fetch(
        self, url: str, method: str = "GET", body: bytes | None = None, headers: Any = None, **_: Any
    ) -> "_Fetched":
        """google-auth's way to the network."""
        try:
            return _Fetched(self._http.send(method, url, body, dict(headers or {})))
        except (NotSent, Unanswered):
            raise TransportError("not answered") from None  # type: ignore[no-untyped-call]


class _Fetched:
    """An answer as google-auth wants it."""

    def __init__(self, answer: Answer) -> None:
        self.status, self.data, self.headers = answer.status, answer.body, dict[str, str]()


def _sent(answer: Answer) -> Sent:
    status = answer.status
    if status == 200:
        name = _object(answer).get("name")
        return Accepted(id=name) if isinstance(name, str) and name else Unknown(code="unreadable_answer")
    if status in (429, 503):  # Google asks for the same message again, later
        return Refused(code=f"http_{status}", why="busy", permanent=False, retry_after=answer.retry_after)
    if status >= 500 or status == 408:
        return Unknown(code=f"http_{status}")
    words = _words(answer)
    for word in ("UNREGISTERED", "SENDER_ID_MISMATCH"):
        if word in words:
            return Refused(code=word, why="address", permanent=True)
    if status == 400:  # FCM's own word is for the registration token; what is wrong with a field has another form
        return Refused(
            code="INVALID_ARGUMENT", why="address" if "INVALID_ARGUMENT" in words else "message", permanent=True
        )
    return Refused(code=f"http_{status}", why="account", permanent=True)


def _words(answer: Answer) -> set[str]:
    """FCM's codes of an error; its messages may repeat what was sent."""
    error = _object(answer).get("error")
    details = error.get("details") if isinstance(error, dict) else None
    listed = [one for one in details if isinstance(one, dict)] if isinstance(details, list) else []
    return {code for one in listed if isinstance(code := one.get("errorCode"), str)}


def _object(answer: Answer) -> dict[str, Any]:
    try:
        body = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}
