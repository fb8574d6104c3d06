"""A whole FHIR server behind a socket: /fhir, its token server at /token, and /control for who runs it."""

import json
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import parse_qsl

from backoffice.sandbox.control import BadControl
from backoffice.sandbox.faults import Faults, Occasion
from backoffice.sandbox.fhir import batch, exact
from backoffice.sandbox.fhir.control import control
from backoffice.sandbox.fhir.faults import fhir_faults
from backoffice.sandbox.fhir.outcome import Problem, Result, outcome
from backoffice.sandbox.fhir.rest import Call, Rest
from backoffice.sandbox.fhir.search import Search
from backoffice.sandbox.fhir.shape import Shape
from backoffice.sandbox.fhir.store import Store
from backoffice.sandbox.fhir.tokens import Tokens
from backoffice.sandbox.hospital.journal import Journal
from backoffice.sandbox.http import HOST, Reply, Request
from backoffice.sandbox.listening import HttpListening
from backoffice.sandbox.traffic import Traffic

FHIR_JSON: Final = "application/fhir+json"
HTML: Final = b"<html><head><title>Down for maintenance</title></head><body>Please come back later.</body></html>"
Json = dict[str, Any]


class FhirServer(HttpListening):
    """Serves `patients` as FHIR R4 on 127.0.0.1.

    Asked for is `token`, or a token of one of `clients` (id: secret); neither: the server is open. What is written is
    kept in `journal`, and nowhere without one.
    """

    def __init__(
        self,
        patients: Iterable[Json],
        *,
        token: str = "",
        clients: Mapping[str, str] | None = None,
        port: int = 0,
        journal: Journal | None = None,
        shape: Shape | None = None,
        faults: Faults | None = None,
    ) -> None:
        super().__init__(self._answer, port)
        self.shape, self.faults = shape or Shape(), faults or fhir_faults()
        self.latency_ms = 0.0
        self.traffic = Traffic()
        self.tokens = Tokens(token, clients or {}, self.shape)
        self._open = not token and not clients
        self.store = Store(patients, journal or Journal(None, ""))
        self._search = Search(self.store, self.shape)
        self._rest = Rest(self.store, self._search, self.shape, self.traffic)

    def start(self) -> Self:
        """Serve from now on; the same port again after a stop()."""
        super().start()
        self._search.base = self.url
        return self

    def close(self) -> None:
        """Stop, and let another process have the state."""
        self.stop()
        self.store.close()

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    @property
    def url(self) -> str:
        """FHIR_SERVER_URL."""
        return f"http://{HOST}:{self.port}/fhir"

    @property
    def token_url(self) -> str:
        """FHIR_TOKEN_URL."""
        return f"http://{HOST}:{self.port}/token"

    @property
    def calls(self) -> Counter[str]:
        """Interactions by method and resource, those within batches as well."""
        return self.traffic.calls

    def _answer(self, request: Request) -> Reply | None:
        path, _, query = request.path.partition("?")
        if path == "/token" and request.method == "POST":
            return self.tokens.grant(request)
        if path == "/control" and request.method == "POST":
            return self._control(request)
        if path != "/fhir" and not path.startswith("/fhir/"):
            return _problem(404, "not-found", "no such path")
        with self.traffic.request():
            if not (self._open or self.tokens.allows(request)):
                return _problem(401, "login", "unknown or expired token")
            if self.latency_ms:
                time.sleep(self.latency_ms / 1000)
            below = path.removeprefix("/fhir").strip("/")
            return self._serve(request, f"{below}?{query}" if query else below)

    def _control(self, request: Request) -> Reply:
        if request.client != HOST or not (self.tokens.is_fixed(request) or not self.tokens.token):
            return _problem(401, "login", "unknown token")
        try:
            return Reply(200, exact.write(control(self, json.loads(request.body or b"{}"))))
        except (BadControl, ValueError) as error:
            return _problem(400, "invalid", str(error))

    def _serve(self, request: Request, url: str) -> Reply | None:
        occasion = self.faults.occasion(request.body + url.encode())
        try:
            if (spoiled := self._spoiled(occasion)) is not None:
                return spoiled
            result = self._carry_out(request, url, occasion)
            if request.method != "GET" and "_search" not in url and occasion.fires("drop_after_write"):
                return None
        except _HungUp:
            return None
        except Problem as problem:
            return Reply(problem.status, exact.write(problem.outcome), FHIR_JSON)
        return _reply(result)

    def _spoiled(self, occasion: Occasion) -> Reply | None:
        """What is answered instead, if anything. Raises _HungUp."""
        if occasion.fires("drop"):
            raise _HungUp
        for status in (429, 500, 503):
            if occasion.fires(f"http{status}"):
                after = () if status == 500 else (("Retry-After", str(self.faults.retry_after)),)
                return _problem(status, "throttled" if status == 429 else "exception", "try again later", *after)
        if occasion.fires("slow") and self._stopping.wait(self.faults.slow_seconds):
            raise _HungUp
        return Reply(200, HTML, "text/html") if occasion.fires("html") else None

    def _carry_out(self, request: Request, url: str, occasion: Occasion) -> Result:
        """The request, as a batch or as an interaction. Raises Problem."""
        if len(request.body) > self.shape.max_bytes:
            raise Problem(self.shape.too_large, "too-costly", "the body is too large")
        body, prefer = _body(request), request.headers.get("prefer", "")
        if request.method == "POST" and not url:
            return Result(200, batch.answer(self._rest, self.shape, body, prefer, occasion))
        if_match = request.headers.get("if-match", "")
        return self._rest.call(Call(request.method, url, body, if_match, prefer, occasion))


class _HungUp(Exception):
    """There is no answer."""


def _body(request: Request) -> Any:
    """JSON, or the fields of a form. Raises Problem."""
    if not request.body:
        return None
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return parse_qsl(request.body.decode("latin-1"), keep_blank_values=True)
    try:
        return exact.read(request.body)
    except (ValueError, RecursionError):
        raise Problem(400, "structure", "the body is no JSON") from None


def _reply(result: Result) -> Reply:
    headers = (("ETag", result.etag), ("Location", result.location))
    body = exact.write(result.resource) if result.resource is not None else b""
    return Reply(result.status, body, FHIR_JSON, tuple((name, value) for name, value in headers if value))


def _problem(status: int, issue: str, diagnostics: str, *headers: tuple[str, str]) -> Reply:
    return Reply(status, exact.write(outcome(issue, diagnostics)), FHIR_JSON, headers)
