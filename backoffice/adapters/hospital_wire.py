"""Sends one GraphQL document at a time to the hospital: retries, faults by status and code, and the count of calls."""

import json
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import structlog

from backoffice.adapters.hospital_documents import Document
from backoffice.adapters.hospital_reading import Unreadable
from backoffice.adapters.hospital_types import HospitalRefused, HospitalUnavailable, WriteUnanswered
from backoffice.adapters.http import Answer, HttpClient, NotSent, Unanswered, is_http_url, pause_before
from backoffice.adapters.pace import Pace

RETRIES: Final = 3
NO_ENDPOINT: Final = frozenset({301, 302, 303, 307, 308, 404, 405, 410})
log = structlog.get_logger(__name__)
Value = TypeVar("Value")


class _Passing(HospitalUnavailable):
    """A fault that may be gone in a moment: this call can be sent again without harm."""

    def __init__(self, code: str, retry_after: float | None = None) -> None:
        super().__init__(code)
        self.retry_after = retry_after


class Wire:
    """The connections to one hospital; safe to share between threads. What is promised stands at Hospital."""

    def __init__(
        self, url: str, token: str, *, timeout: float, pace: Pace | None, correlation_id: str, connections: int
    ) -> None:
        if not is_http_url(url):
            raise HospitalRefused("The hospital's address is not an http or https URL without user and password.")
        if not (token and token.isascii() and token.isprintable() and " " not in token):
            raise HospitalRefused("The hospital's token is empty or has characters that no header can hold.")
        self._url, self._pace = url, pace
        parts = urlsplit(url)
        self._shown = f"{parts.scheme}://{parts.netloc}{parts.path}"
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Accept": "application/json"}
        if correlation_id:
            headers["X-Correlation-ID"] = correlation_id
        self._http = HttpClient(timeout=timeout, connections=connections, headers=headers)
        self._calls: Counter[str] = Counter()
        self._lock, self._closed = threading.Lock(), threading.Event()

    def take_calls(self) -> Counter[str]:
        """The calls by kind and the "retries" since the last take."""
        with self._lock:
            taken, self._calls = self._calls, Counter()
        return taken

    def close(self) -> None:
        """Close the connections; a call that is made or retried after that raises HospitalUnavailable "closed"."""
        self._closed.set()
        self._http.close()

    def ask(
        self,
        kind: str,
        document: Document,
        variables: dict[str, Any],
        read: Callable[[Any], Value],
        *,
        writes: bool = False,
    ) -> Value:
        """Send, and again where that may help and can do no harm; `read` makes the value of the root field's JSON."""
        body = json.dumps({"query": document.text, "variables": variables}, separators=(",", ":")).encode()
        self._count(kind)
        attempt = 0
        while not self._closed.is_set():
            try:
                return read(self._send(document.field, body, writes=writes))
            except Unreadable as error:
                log.info("hospital_unreadable", call=kind, field=str(error))
                raise (WriteUnanswered() if writes else HospitalUnavailable("unreadable_answer", str(error))) from None
            except _Passing as fault:
                attempt += 1
                if attempt > RETRIES:
                    raise
                log.info("hospital_retry", call=kind, code=fault.code, retry=attempt)
                self._count("retries")
                self._closed.wait(pause_before(attempt, fault.retry_after))
        raise HospitalUnavailable("closed")

    def _send(self, field: str, body: bytes, *, writes: bool) -> Any:
        if self._pace is not None:
            self._pace.wait()
        try:
            answer = self._http.post(self._url, body)
        except NotSent:
            raise _Passing("connection") from None
        except Unanswered:
            raise (WriteUnanswered() if writes else _Passing("connection")) from None
        if answer.status == 200:
            return self._root_field(answer.body, field, writes=writes)
        raise self._status_fault(answer, writes=writes)

    def _status_fault(self, answer: Answer, *, writes: bool) -> Exception:
        status, code = answer.status, f"http_{answer.status}"
        if status == 401:
            return HospitalRefused(
                f"The hospital at {self._shown} refuses the token (HTTP 401): give the region a valid one."
            )
        if status == 400:
            return HospitalRefused(f"The hospital at {self._shown} does not understand what is sent to it (HTTP 400).")
        if status in NO_ENDPOINT:
            return HospitalRefused(
                f"There is no GraphQL endpoint at {self._shown} (HTTP {status}): correct the address."
            )
        if status in (429, 503):
            return _Passing(code, answer.retry_after)
        if status >= 500:
            return WriteUnanswered() if writes else _Passing(code, answer.retry_after)
        return HospitalUnavailable(code)

    def _root_field(self, body: bytes, field: str, *, writes: bool) -> Any:
        """What is under data.`field`; GraphQL's errors, which come with HTTP 200, as faults."""
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError):
            raise Unreadable("json") from None
        if not isinstance(answer, dict):
            raise Unreadable("json")
        if answer.get("errors"):
            raise self._graphql_fault(_codes(answer["errors"]), field, writes=writes)
        data = answer.get("data")
        if not (isinstance(data, dict) and field in data):
            raise Unreadable("data")
        return data[field]

    def _graphql_fault(self, codes: set[Any], field: str, *, writes: bool) -> Exception:
        if "BAD_REQUEST" in codes:
            return HospitalRefused(
                f"The hospital at {self._shown} refuses {field}: its schema is another, or a cursor too old."
            )
        if "FORBIDDEN" in codes:
            return HospitalUnavailable("FORBIDDEN")
        if "INTERNAL" in codes:
            return WriteUnanswered() if writes else _Passing("INTERNAL")
        return Unreadable("errors")

    def _count(self, name: str) -> None:
        with self._lock:
            self._calls[name] += 1


def _codes(errors: Any) -> set[str]:
    """The extensions.code of each error that has one; what the messages say may be of a patient and is not read."""
    listed = errors if isinstance(errors, list) else []
    extensions = [error.get("extensions") for error in listed if isinstance(error, dict)]
    codes = [extension.get("code") for extension in extensions if isinstance(extension, dict)]
    return {code for code in codes if isinstance(code, str)}
