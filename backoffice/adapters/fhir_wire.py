"""One request to one FHIR server: its token, its turn in the region's pace, and sent again where that may help."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

import httpx2
import structlog

from backoffice.adapters.fhir_json import Unreadable
from backoffice.adapters.fhir_outcome import PASSING
from backoffice.adapters.fhir_tokens import Tokens
from backoffice.adapters.fhir_types import FhirRefused, FhirUnavailable
from backoffice.adapters.http import Answer, HttpClient, NotSent, Unanswered, is_http_url, pause_before
from backoffice.adapters.pace import Pace

RETRIES: Final = 3  # S1-19
OF_THE_REGION: Final = frozenset({429, 503})
FHIR_JSON: Final = "application/fhir+json"
log = structlog.get_logger(__name__)
Value = TypeVar("Value")
# Of an answer, and of whether an earlier try of the same request may have been carried out; may raise Unreadable.
Reader = Callable[[Answer, bool], Value]


class WriteUnanswered(Exception):
    """A write was or may have been carried out, and no readable answer came."""


class _Passing(FhirUnavailable):
    """A fault that may be gone in a moment. `done`: the request may have been carried out all the same."""

    def __init__(self, code: str, *, done: bool, retry_after: float | None = None, for_all: bool = False) -> None:
        super().__init__(code)
        self.done, self.retry_after, self.for_all = done, retry_after, for_all


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """`kind` is the name that it is counted under, `entries` how much it asks for. A write is conditional (X-08)."""

    kind: str
    method: str
    url: str
    body: bytes | None = None
    content_type: str = FHIR_JSON
    prefer: str = ""
    if_match: str = ""
    entries: int = 1
    writes: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Speed:
    """How a server may be called. `pace` counts requests, `entries` what is in them; connections at once; seconds."""

    pace: Pace | None = None
    entries: Pace | None = None
    connections: int = 8
    timeout: float = 30.0
    backoff: float = 1.0


class Wire:
    """The connections to one server; safe to share between threads.

    Sent again, up to three times: what met 429, 500, 502, 503 or 504, found no connection, or (unless it writes) had
    no readable answer. After 429 and 503 nobody calls the region's server for as long as Retry-After says, else 1, 2,
    4 seconds, give or take a half; after the others the caller alone waits. 401 gets one other token.
    """

    def __init__(self, base_url: str, tokens: Tokens, speed: Speed, *, correlation_id: str = "") -> None:
        self.base = base_url.rstrip("/")
        if not is_http_url(base_url) or set("?#") & set(base_url):
            raise FhirRefused("FHIR_SERVER_URL is not an http or https URL without user, password and query.")
        self._origin, self._tokens, self.speed = origin(self.base), tokens, speed
        headers = {"Accept": FHIR_JSON} | ({"X-Correlation-ID": correlation_id} if correlation_id else {})
        self._http = HttpClient(timeout=speed.timeout, connections=speed.connections, headers=headers)
        self._calls: Counter[str] = Counter()
        self._lock = threading.Lock()

    def ask(self, request: Request, read: Reader[Value]) -> Value:
        """The answer as `read` makes it, whatever its status but 401 and those of S1-19.

        Raises FhirRefused, FhirUnavailable, PaceUnavailable and, of a write, WriteUnanswered.
        """
        if not is_http_url(request.url) or origin(request.url) != self._origin:
            raise FhirUnavailable("next_link")  # a token is for the configured server
        self.count(request.kind)
        attempt, doubt = 0, False
        while True:
            try:
                return self._try(request, read, doubt)
            except _Passing as fault:
                attempt, doubt = attempt + 1, doubt or fault.done
                if attempt > RETRIES:
                    raise (WriteUnanswered() if request.writes and doubt else FhirUnavailable(fault.code)) from None
                log.info("fhir_retry", call=request.kind, code=fault.code, retry=attempt)
                self.count("retries")
                self.pause(attempt, fault.retry_after, of_the_region=fault.for_all)

    def pause(self, attempt: int, retry_after: float | None = None, *, of_the_region: bool) -> None:
        """Wait before the `attempt`-th retry: this caller alone, or whoever calls the region's server."""
        seconds = pause_before(attempt, retry_after, first=self.speed.backoff, growth=2.0)
        if retry_after is None:
            seconds *= random.uniform(0.5, 1.5)  # noqa: S311 (spreads the callers, no secret)
        if of_the_region and self.speed.pace is not None:
            self.speed.pace.hold(seconds)
        else:
            time.sleep(seconds)

    def count(self, name: str, number: int = 1) -> None:
        """Add to the counters."""
        with self._lock:
            self._calls[name] += number

    def take_calls(self) -> Counter[str]:
        """The counters since the last take."""
        with self._lock:
            taken, self._calls = self._calls, Counter()
        return taken

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _try(self, request: Request, read: Reader[Value], doubt: bool) -> Value:
        answer = self._with_token(request)
        if answer.status in PASSING:
            for_all = answer.status in OF_THE_REGION
            raise _Passing(f"http_{answer.status}", done=not for_all, retry_after=answer.retry_after, for_all=for_all)
        if 300 <= answer.status < 400:
            raise FhirRefused(f"The FHIR server sends us elsewhere (HTTP {answer.status}): correct FHIR_SERVER_URL.")
        try:
            return read(answer, doubt)
        except Unreadable as error:
            log.info("fhir_unreadable", call=request.kind, part=str(error))
            raise (WriteUnanswered() if request.writes else _Passing("unreadable_answer", done=True)) from None

    def _with_token(self, request: Request) -> Answer:
        if self.speed.entries is not None:
            self.speed.entries.wait(request.entries)
        self._wait()
        token = self._tokens.current()  # after the wait: a token may last for seconds only
        answer = self._send(request, token)
        if answer.status != 401:
            return answer
        self.count("token_refused")
        self._wait()
        answer = self._send(request, self._tokens.renewed(token))
        if answer.status == 401:
            raise FhirRefused("The FHIR server refuses a new token as well (HTTP 401): correct the credentials.")
        return answer

    def _wait(self) -> None:
        if self.speed.pace is not None:
            self.speed.pace.wait()

    def _send(self, request: Request, token: str) -> Answer:
        headers = {"Content-Type": request.content_type} if request.body is not None else {}
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        headers |= {"Prefer": request.prefer} if request.prefer else {}
        headers |= {"If-Match": request.if_match} if request.if_match else {}
        try:
            answer = self._http.send(request.method, request.url, request.body, headers)
        except NotSent:
            raise _Passing("connection", done=False) from None
        except Unanswered:
            raise (WriteUnanswered() if request.writes else _Passing("connection", done=True)) from None
        self.count("requests")
        self.count("bytes_sent", len(request.body or b""))
        self.count("bytes_received", len(answer.body))
        return answer


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port, as the client that calls it reads them; raises InvalidURL where it could not."""
    parts = httpx2.URL(url)
    return parts.scheme, parts.host, parts.port
