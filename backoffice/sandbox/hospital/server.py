"""A whole hospital behind a socket: token, faults, GraphQL at /graphql, and /control for who runs it."""

import hmac
import json
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from backoffice.sandbox.control import BadControl
from backoffice.sandbox.faults import Faults, Occasion
from backoffice.sandbox.hospital.control import control
from backoffice.sandbox.hospital.faults import hospital_faults
from backoffice.sandbox.hospital.journal import Journal
from backoffice.sandbox.hospital.records import ServiceSession
from backoffice.sandbox.hospital.schema import Call, Schema
from backoffice.sandbox.hospital.store import Store
from backoffice.sandbox.http import HOST, Reply, Request
from backoffice.sandbox.listening import HttpListening
from backoffice.sandbox.traffic import Traffic


class NoOperation(ValueError):
    """The body of a request is no GraphQL operation."""


class Hospital(HttpListening):
    """Serves the CSV `folder` as hospital.graphql on 127.0.0.1.

    With `state`, writes survive kill -9 and stop(); without, they live as long as this object. `reset` forgets what
    `state` holds. Raises FolderError, JournalError; start() raises OSError for a taken port.
    """

    def __init__(
        self,
        folder: Path,
        *,
        token: str,
        port: int = 0,
        state: Path | None = None,
        reset: bool = False,
        latency_ms: float = 0.0,
        faults: Faults | None = None,
    ) -> None:
        super().__init__(self._answer, port)
        self.token = token
        self.latency_ms = latency_ms
        self.faults = faults or hospital_faults()
        self.traffic = Traffic()
        self._folder = folder
        self._state = state
        self._schema = Schema()
        self.store = self._load(reset)

    def start(self) -> Self:
        """Serve from now on; the same port again after a stop()."""
        if self._stopping.is_set() and self._state is not None:
            self.store = self._load(reset=False)
        return super().start()

    def stop(self) -> None:
        """Hang up and refuse connections; what was written stays readable here."""
        super().stop()
        self.store.close()

    @property
    def url(self) -> str:
        """Where hospital.graphql is served."""
        return f"http://{HOST}:{self.port}/graphql"

    @property
    def calls(self) -> Counter[str]:
        """Executed calls by field name, createServiceSession included."""
        return self.traffic.calls

    @property
    def max_in_flight(self) -> int:
        """The most requests that were being answered at once."""
        return self.traffic.max_in_flight

    @property
    def keys_received(self) -> list[str]:
        """The idempotency key of every write that was executed, in order, repeated ones included."""
        return self.traffic.keys_received

    def sessions_written(self) -> list[ServiceSession]:
        """The sessions that the mutation created, oldest first."""
        return self.store.written()

    def cancel_session(self, session_id: str) -> None:
        """Set a session's services to CANCELLED, as a clerk would. Raises KeyError."""
        self.store.cancel_session(session_id)

    def put(self, table: str, row: Mapping[str, str]) -> None:
        """Add or mend one master record, given as a row of the CSV folder. Raises ValueError."""
        self.store.put(table, row)

    def _load(self, reset: bool) -> Store:
        journal = Journal(self._state, str(self._folder.resolve()), reset=reset)
        try:
            return Store(self._folder, journal)
        except BaseException:
            journal.close()
            raise

    def _answer(self, request: Request) -> Reply | None:
        path = request.path.partition("?")[0]
        if path not in ("/graphql", "/control"):
            return _problem(404, "no such path")
        if request.method != "POST":
            return _problem(405, "POST only", ("Allow", "POST"))
        sent = request.headers.get("authorization", "")
        if not hmac.compare_digest(sent.encode(), f"Bearer {self.token}".encode()):
            return _problem(401, "unknown token", ("WWW-Authenticate", "Bearer"))
        return self._control(request) if path == "/control" else self._graphql(request)

    def _control(self, request: Request) -> Reply:
        if request.client != HOST:
            return _problem(403, "loopback only")
        try:
            return Reply(200, json.dumps(control(self, json.loads(request.body or b"{}"))).encode())
        except (BadControl, ValueError) as error:
            return _problem(400, str(error))

    def _graphql(self, request: Request) -> Reply | None:
        with self.traffic.request():
            if self.latency_ms:
                time.sleep(self.latency_ms / 1000)
            occasion = self.faults.occasion(request.body)
            if occasion.fires("drop"):
                return None
            for status in (429, 503):
                if occasion.fires(f"http{status}"):
                    return _problem(status, "try again later", ("Retry-After", str(self.faults.retry_after)))
            if occasion.fires("slow") and self._stopping.wait(self.faults.slow_seconds):
                return None
            return self._execute(request, occasion)

    def _execute(self, request: Request, occasion: Occasion) -> Reply | None:
        try:
            query, variables, operation = _operation(json.loads(request.body))
        except ValueError as error:
            return _problem(400, str(error))
        call = Call(self.store, self.traffic, occasion, self.faults.refused_blocks)
        answer = self._schema.execute(call, query, variables, operation)
        if call.mutated and occasion.fires("drop_after_write"):
            return None
        if call.mutated and occasion.fires("slow_after_write") and self._stopping.wait(self.faults.slow_seconds):
            return None
        return Reply(200, json.dumps(answer, separators=(",", ":")).encode())


def _operation(sent: Any) -> tuple[str, dict[str, Any] | None, str | None]:
    """query, variables and operationName of a request. Raises NoOperation for anything else."""
    if not (isinstance(sent, dict) and isinstance(sent.get("query"), str)):
        raise NoOperation("an object with a query is expected")
    variables, operation = sent.get("variables"), sent.get("operationName")
    if not (variables is None or isinstance(variables, dict)):
        raise NoOperation("variables must be an object")
    if not (operation is None or isinstance(operation, str)):
        raise NoOperation("operationName must be text")
    return sent["query"], variables, operation


def _problem(status: int, message: str, *headers: tuple[str, str]) -> Reply:
    return Reply(status, json.dumps({"errors": [{"message": message}]}).encode(), headers=headers)
