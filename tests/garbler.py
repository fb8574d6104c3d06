"""A proxy in front of a hospital that spoils the answers to chosen fields, as a broken machine in between would."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2

Spoil = Callable[[bytes], bytes | None]
FIELD = re.compile(r"[{\s](\w+)\s*\(")


def nulls(answer: bytes) -> bytes:
    """The answer with null for every value."""
    return re.sub(rb'(":)("[^"]*"|-?[0-9.]+|true|false)', rb"\1null", answer)


SPOILT: dict[str, Spoil] = {
    "html": lambda answer: b"<html><body>Bad gateway</body></html>",
    "broken_json": lambda answer: answer[: len(answer) // 2],
    "nulls": nulls,
    "ten_megabytes": lambda answer: b'{"data": "' + b"x" * 10_000_000 + b'"}',
    "other_schema": lambda answer: b'{"data": {"patients": [{"name": "x"}]}}',
    "nothing": lambda answer: None,
}


class Garbler:
    """`fields`: the GraphQL fields whose answers are spoilt, by `spoil`; empty: all pass unharmed."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.fields: set[str] = set()
        self.spoil: Spoil = SPOILT["html"]
        self.spoilt = 0
        self.closing = threading.Event()
        self.client = httpx2.Client(timeout=30)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True

    @property
    def url(self) -> str:
        """Where the spoilt hospital answers."""
        return f"http://127.0.0.1:{self.server.server_port}/graphql"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        garbler = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name: self.headers[name] for name in ("Authorization", "Content-Type")}
                answer = garbler.client.post(garbler.target, content=body, headers=headers)
                content: bytes | None = answer.content
                if garbler.fields & set(FIELD.findall(body.decode())):
                    garbler.spoilt += 1
                    content = garbler.spoil(answer.content)
                if content is None:
                    garbler.closing.wait(60)
                    self.close_connection = True
                    return
                self.send_response(answer.status_code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                try:
                    self.wfile.write(content)
                except OSError:
                    self.close_connection = True

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

        return Handler


@contextmanager
def garbled(target: str) -> Iterator[Garbler]:
    """A garbler in front of `target`, served as long as the block runs."""
    garbler = Garbler(target)
    thread = threading.Thread(target=garbler.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield garbler
    finally:
        garbler.closing.set()
        garbler.server.shutdown()
        garbler.server.server_close()
        thread.join()
        garbler.client.close()
