"""Everything that leaves the database while processes run: collected, to be scanned at the end.

Beside what processes write, spans, and what lies in Redis in the end, each command that Redis was given is taken down
(MONITOR): jobs with their arguments, log lines and streams that are gone by then are in it.
"""

import ast
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from auditlog.models import LogEntry
from django.core import serializers
from redis import Redis

from backoffice.runs.models import Alert, Failure, Run
from backoffice.sandbox import http
from backoffice.sandbox.http import Reply, Request
from backoffice.sandbox.smtp import MailServer
from clinic.care.models import CommandState
from clinic.events.models import DeadLetter
from tests.canary import values
from tests.canary.scan import Found, scan_all
from tests.processes import Processes, Running
from tests.telemetry.collector import Collector, over_http

OPERATOR, METRICS_TOKEN = "operator@alerts.example", "a-token-of-the-scraper"
# FHIR's REST names a patient by the server's own id in the path; there is no other way to read or write one (0137).
REST_OF_FHIR = re.compile(r"^(GET|PUT|PATCH) \S*/Patient/[A-Za-z0-9.-]{1,64}$")
# What a row says of how work went. Rows of patients are what the database is for.
WORDS: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (Run, ("key", "parameters", "reason", "detail")), (Failure, ("category", "reason", "phase", "detail")),
    (Alert, ("kind", "key", "message")), (DeadLetter, ("error", "reason")), (CommandState, ("command",)),
)  # fmt: skip


class Watch:
    """Channels and what has come by them: `add` takes more, `leaks` are the canaries in all of it."""

    def __init__(self, processes: Processes, queue: Redis) -> None:
        self.processes, self.queue = processes, queue
        self.collector = Collector()
        self.mails = MailServer()
        self.requests: list[str] = []
        self.hooks: list[str] = []
        self.commands: list[bytes] = []
        self._added: list[tuple[str, str | bytes]] = []
        self._echoes: list[tuple[str, Reply]] = []
        self._ran: list[tuple[str, Running]] = []

    def add(self, channel: str, text: str | bytes) -> None:
        self._added.append((channel, text))

    def manage(self, *arguments: str, status: int | None = 0, within: float = 300, **environment: str) -> str:
        """Run a command to its end; what it wrote. `status`: what it must end with; None: whatever it is."""
        running = self.start(*arguments, **environment)
        ended = running.ends(within=within)
        assert status in (None, ended), running.output
        return running.output

    def start(self, *arguments: str, **environment: str) -> Running:
        """Start a command that goes on."""
        running = self.processes.manage(*arguments, **environment)
        self._ran.append((arguments[0], running))
        return running

    def program(self, *arguments: str) -> Running:
        """Start another program of Python's that goes on."""
        running = self.processes.start(sys.executable, *arguments)
        self._ran.append((" ".join(arguments[:2]), running))
        return running

    def end(self, running: Running) -> None:
        """In good order, as a restart ends it; its output stays."""
        running.signal(signal.SIGTERM)
        running.ends(within=300)

    def echo(self, status: int, *, to: str = "", times: int = 1) -> None:
        """Let the next requests whose path has `to` in it be answered so, with all that a careless server repeats."""
        self._echoes = [(to, careless(status))] * times

    def heard(self, handle: http.Handle) -> http.Handle:
        """What stands in the place of a peer's `handle`."""

        def answer(request: Request) -> Reply | None:
            if request.path != "/alerts":
                self.requests.append(f"{request.method} {request.path}")
                hit = self._echoes and self._echoes[0][0] in request.path
                return self._echoes.pop(0)[1] if hit else handle(request)
            self.hooks.append(request.body.decode())
            return Reply(204)

        return answer

    def emitted(self) -> Iterator[tuple[str, str | bytes]]:
        """(channel, what it has carried), of everything."""
        for command, running in self._ran:
            yield f"output of {command}", running.output
        yield "spans", self.collector.text
        for line in self.commands:
            yield "Redis, a command", line
        yield from self._lies_in_redis()
        for request in self.requests:
            if not REST_OF_FHIR.match(request):
                yield "request line to a peer", request
        for mail in self.mails.messages:
            if OPERATOR in mail["to"]:
                yield "alert by mail", str(mail)
        for hook in self.hooks:
            yield "alert by webhook", hook
        yield "audit log", serializers.serialize("json", LogEntry.objects.all(), ensure_ascii=False)
        for model, fields in WORDS:
            for row in model._default_manager.values_list(*fields):
                yield f"{model._meta.label}", str(row)
        yield from self._added

    def leaks(self) -> list[Found]:
        """Where canaries are; none is what a test wants."""
        return scan_all(self.emitted())

    def _lies_in_redis(self) -> Iterator[tuple[str, bytes]]:
        read: dict[bytes, Callable[[bytes], Any]] = {
            b"string": self.queue.get, b"hash": self.queue.hgetall, b"list": lambda key: self.queue.lrange(key, 0, -1),
            b"set": self.queue.smembers, b"zset": lambda key: self.queue.zrange(key, 0, -1, withscores=True),
            b"stream": self.queue.xrange,
        }  # fmt: skip
        for key in self.queue.scan_iter():
            for text in _texts(read[cast(bytes, self.queue.type(key))](key)):
                yield f"Redis, {key.decode(errors='replace')}", text
            yield "Redis, a key", key


def careless(status: int) -> Reply:
    """An error that repeats who was asked about, in the manner of every API at once."""
    said = values.ALL.replace("ö", "\\u00f6")
    body = (
        f'{{"resourceType":"OperationOutcome","issue":[{{"severity":"error","code":"{values.GIVEN}","diagnostics":'
        f'"{said}"}}],"errors":[{{"message":"{said}","path":["{values.PATIENT}"],"extensions":{{"code":'
        f'"{values.PATIENT}"}}}}],"error":{{"code":{status},"message":"{said}","status":"{values.GIVEN}"}},'
        f'"message":"{said}","code":21211,"APIResponseMessage":"{said}","APIResponseCode":"{values.GIVEN}"}}'
    )
    return Reply(status, body.encode(), headers=(("X-Request-Of", values.PATIENT), ("ETag", f'"{values.PATIENT}"')))


def _texts(value: Any) -> Iterator[bytes]:
    """Every key and value within what Redis has answered."""
    if isinstance(value, bytes):
        yield value
    elif isinstance(value, dict):
        for pair in value.items():
            yield from _texts(pair)
    elif isinstance(value, list | tuple | set):
        for each in value:
            yield from _texts(each)


@contextmanager
def monitored(url: str, into: list[bytes]) -> Iterator[None]:
    """Take down every command of the database that `url` names, each argument as it was; the server is others' too."""
    client = Redis.from_url(url, socket_timeout=None)
    connection = client.connection_pool.get_connection()
    connection.send_command("MONITOR")  # type: ignore[no-untyped-call]
    assert connection.read_response() == b"OK"
    ours = f"[{client.connection_pool.connection_kwargs.get('db') or 0} ".encode()
    ended = threading.Event()

    def listen() -> None:
        while True:
            line = connection.read_response(disable_decoding=True)
            if ours not in line.partition(b'"')[0]:
                continue
            if b"the watch ends" in line:
                break
            into.extend(ast.literal_eval(f"b{each.decode()}") for each in re.findall(rb'"(?:[^"\\]|\\.)*"', line))
        ended.set()

    threading.Thread(target=listen, name="monitor", daemon=True).start()
    try:
        yield
    finally:
        client.echo("the watch ends")
        assert ended.wait(30), "what monitors Redis has ended before"
        client.connection_pool.release(connection)
        client.close()


@contextmanager
def watching(processes: Processes, queue: Redis, url: str, patch: pytest.MonkeyPatch) -> Iterator[Watch]:
    """Peers that are begun within are heard; processes that are started within tell all they can. `url`: of Redis."""
    watch = Watch(processes, queue)
    begin = http.HttpServer.__init__

    def heard(self: http.HttpServer, handle: http.Handle, port: int = 0) -> None:
        begin(self, watch.heard(handle), port)

    patch.setattr(http.HttpServer, "__init__", heard)
    with over_http() as watch.collector, MailServer() as watch.mails, monitored(url, watch.commands):
        hook = http.HttpServer(lambda request: Reply(404))
        hook.start()
        processes.environment |= {
            "LOG_LEVEL": "DEBUG", "LOG_FORMAT": "json", "METRICS_TOKEN": METRICS_TOKEN,
            "OTEL_EXPORTER_OTLP_ENDPOINT": watch.collector.endpoint, "OTEL_BSP_SCHEDULE_DELAY": "200",
            "ALERT_MAIL_TO": OPERATOR, "ALERT_WEBHOOK_URL": f"http://127.0.0.1:{hook.port}/alerts",
            "EMAIL_URL": f"smtp://127.0.0.1:{watch.mails.port}", "PRESENCE_SECONDS": "1",
        }  # fmt: skip
        yield watch
        hook.stop()


def written(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path
