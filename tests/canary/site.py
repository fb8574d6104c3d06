"""The web server as its callers see it, and a database that repeats a patient's row in its errors."""

import json
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import Any

from django.db import connection
from django.test import Client

from backoffice.serving import GUNICORN
from tests.canary import values
from tests.canary.watch import METRICS_TOKEN, Watch
from tests.processes import until

ADDRESSES = re.compile(r"""(?:href|action|src|value)=["']([^"']*[/?][^"']*)["']""")
CSRF = "a" * 32
Form = dict[str, str]


class Site:
    """Gunicorn with one process for the requests. What errors say, and the addresses in pages, are the watch's."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.server = watch.program("-m", *GUNICORN, "--bind", f"127.0.0.1:{self.port}", "--workers", "1")
        self.statuses: set[tuple[str, int]] = set()
        until(self.answers, within=300, what="the web server")

    def answers(self) -> bool:
        try:
            return self.send("GET", "/livez")[0] == 200
        except OSError:
            return False

    def send(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, str]:
        """Status and body. Errors and the addresses that others lead to are kept to be scanned."""
        line = HTTPConnection("127.0.0.1", self.port, timeout=90)
        try:
            line.request(method, path, body, {name.replace("_", "-"): text for name, text in headers.items()})
            answer = line.getresponse()
            text = answer.read().decode()
        finally:
            line.close()
        kind = "API" if path.startswith("/api/") else "admin"
        self.statuses.add((kind, answer.status))
        if answer.status >= 400:
            self.watch.add(f"an error page {answer.status} of the {kind}", text)
            self.watch.add(f"the head of an answer {answer.status}", str(answer.getheaders()))
        elif kind == "admin":
            self.watch.add("addresses in a page", "\n".join(ADDRESSES.findall(text)))
            self.watch.add("address led to", answer.getheader("Location", ""))
        else:
            self.watch.add("the head of an answer of the API", str(answer.getheaders()))
            for address in re.findall(r'"(?:https?:/)?/[^"]*"', text):
                self.watch.add("addresses in an answer of the API", address)
        return answer.status, text

    def raw(self, request: str) -> int:
        """The status of what is no request at all."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as line:
            line.sendall(request.encode())
            answer = b"".join(iter(lambda: line.recv(65536), b"")).decode()
        self.watch.add("an answer to what cannot be read", answer)
        return int(answer.split()[1])

    def api(self, method: str, path: str, body: Any, token: str, **headers: str) -> tuple[int, str]:
        told = body if isinstance(body, bytes) else json.dumps(body).encode()
        usual: dict[str, Any] = {"Authorization": f"Bearer {token}", "Content_Type": "application/json"}
        return self.send(method, f"/api/v1/{path}", told, **{**usual, **headers})

    def page(self, client: Client, path: str, form: Form | None = None) -> tuple[int, str]:
        """As the browser of who is signed in by the test's client."""
        session = client.cookies["sessionid"].value
        cookie = {"Cookie": f"sessionid={session}; csrftoken={CSRF}"}
        if form is None:
            return self.send("GET", f"/admin/{path}", b"", **cookie)
        fields = "&".join(f"{name}={text}" for name, text in {**form, "csrfmiddlewaretoken": CSRF}.items())
        kind = {"Content_Type": "application/x-www-form-urlencoded"}
        return self.send("POST", f"/admin/{path}", fields.encode(), **cookie, **kind)

    def metrics(self) -> None:
        status, text = self.send("GET", "/metrics", Authorization=f"Bearer {METRICS_TOKEN}")
        assert status == 200
        self.watch.add("metrics", text)


@contextmanager
def refusing(*tables: str) -> Iterator[None]:
    """Nothing can be inserted into the tables: the database says so with the row's values, as PostgreSQL does."""
    said = f"duplicate key. Key (external_id)=({values.PATIENT}) already exists. Failing row contains ({values.ALL})"
    postgresql = connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        if postgresql:
            cursor.execute(
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
                f" $$ BEGIN RAISE EXCEPTION '{said}' USING ERRCODE = '23505'; END $$"
            )
        for table in tables:
            does = "EXECUTE FUNCTION refuse()" if postgresql else f"BEGIN SELECT RAISE(ABORT, '{said}'); END"
            each = "FOR EACH ROW " if postgresql else ""
            cursor.execute(f"CREATE TRIGGER refusing_{table} BEFORE INSERT ON {table} {each}{does}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            for table in tables:
                on = f" ON {table}" if postgresql else ""
                cursor.execute(f"DROP TRIGGER refusing_{table}{on}")
            if postgresql:
                cursor.execute("DROP FUNCTION refuse()")
