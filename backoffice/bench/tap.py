"""Listens in between a run and its hospital: which question was asked how often, seen from outside of both."""

import http.client
import json
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

ROOT_FIELD = re.compile(r"\{\s*(\w+)")


class Heard:
    """Every question by its root field and its variables, and how often it was asked."""

    def __init__(self) -> None:
        self._asked: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    def note(self, body: bytes) -> None:
        sent = json.loads(body)
        field = ROOT_FIELD.search(sent["query"])
        with self._lock:
            self._asked[field.group(1) if field else "?", json.dumps(sent["variables"], sort_keys=True)] += 1

    def calls(self) -> Counter[str]:
        """By root field."""
        calls: Counter[str] = Counter()
        for (field, _), times in self._asked.items():
            calls[field] += times
        return calls

    def distinct(self) -> Counter[str]:
        """By root field, each question once."""
        return Counter(field for field, _ in self._asked)


@contextmanager
def tapped(url: str) -> Iterator[tuple[str, Heard]]:
    """An address that passes everything on to `url`, and what it has heard."""
    heard, hospital = Heard(), urlsplit(url)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def handle(self) -> None:
            with closing(http.client.HTTPConnection(hospital.hostname or "", hospital.port)) as self.onward:
                super().handle()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.note(body)
            self.onward.request("POST", self.path, body, {"Authorization": self.headers["Authorization"]})
            answer = self.onward.getresponse()
            text = answer.read()
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.headers["Content-Type"])
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None:
            """Nothing: what is asked names patients' cases."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}{hospital.path}", heard
        finally:
            server.shutdown()
