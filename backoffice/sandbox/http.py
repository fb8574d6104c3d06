"""A threaded keep-alive HTTP/1.1 server on loopback that every peer of the sandbox answers through."""

import socket
import socketserver
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final, NamedTuple

MAX_BODY: Final = 8 * 1024 * 1024
MAX_LINE: Final = 64 * 1024
MAX_HEADERS: Final = 100
HOST: Final = "127.0.0.1"


class Request(NamedTuple):
    """One request, read to its end. Header names are lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    client: str


class Reply(NamedTuple):
    """What to answer. Content-Length is added."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


Handle = Callable[[Request], Reply | None]


class _Refused(Exception):
    """The bytes are no request to be answered; the connection ends with this status."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


class _Connection(socketserver.StreamRequestHandler):
    """One client, in a thread of its own, request after request.

    Not http.server's handler: its header parser is e-mail's, a quarter of the whole time of a small call.
    """

    # Without it a keep-alive connection waits 40 ms for the client's delayed ACK: 22 requests a second.
    disable_nagle_algorithm = True
    server: "_Server"

    def handle(self) -> None:
        try:
            while (request := self._read()) is not None:
                reply = self.server.handle(request)
                if reply is None:
                    return
                self.wfile.write(_bytes_of(reply))
                if request.headers.get("connection", "").lower() == "close":
                    return
        except _Refused as refused:
            self.wfile.write(_bytes_of(Reply(refused.status, headers=(("Connection", "close"),))))

    def _read(self) -> Request | None:
        """The next request, or None when the client has hung up. Raises _Refused."""
        line = self._line()
        if not line:
            return None
        words = line.split()
        if len(words) != 3 or words[2] != "HTTP/1.1":
            raise _Refused(HTTPStatus.BAD_REQUEST)
        headers = self._headers()
        if headers.get("expect", "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        length = self._body_length(words[0], headers)
        body = self.rfile.read(length)
        return Request(words[0], words[1], headers, body, self.client_address[0]) if len(body) == length else None

    def _line(self) -> str:
        line = self.rfile.readline(MAX_LINE + 1)
        if len(line) > MAX_LINE:
            raise _Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        return line.decode("latin-1").rstrip("\r\n")

    def _headers(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        while line := self._line():
            name, colon, value = line.partition(":")
            if not colon or len(headers) >= MAX_HEADERS:
                raise _Refused(HTTPStatus.BAD_REQUEST)
            headers[name.lower()] = value.strip()
        return headers

    def _body_length(self, method: str, headers: Mapping[str, str]) -> int:
        text = headers.get("content-length", "0" if method in ("GET", "DELETE") else "")
        if "transfer-encoding" in headers or not (text.isascii() and text.isdigit()):
            raise _Refused(HTTPStatus.LENGTH_REQUIRED)
        if int(text) > MAX_BODY:
            raise _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        return int(text)


def _bytes_of(reply: Reply) -> bytes:
    """Head and body together, so that they leave in one segment."""
    head = [
        f"HTTP/1.1 {reply.status:d} {HTTPStatus(reply.status).phrase}",
        f"Content-Type: {reply.content_type}",
        f"Content-Length: {len(reply.body)}",
        *(f"{name}: {value}" for name, value in reply.headers),
    ]
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + reply.body


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, port: int, handle: Handle) -> None:
        self.handle = handle
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        super().__init__((HOST, port), _Connection)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._open_lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone is its own affair; anything else is a fault of ours and is shown."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def hang_up(self) -> None:
        """End every open connection; its thread then leaves by itself."""
        with self._open_lock:
            for connection in self._open:
                with suppress(OSError):  # the client was faster
                    connection.shutdown(socket.SHUT_RDWR)


class HttpServer:
    """Serves `handle` on 127.0.0.1; a handler that returns None hangs up without an answer.

    Port 0 lets the system choose; a later start() uses the same port again. start() raises OSError for a taken port.
    """

    def __init__(self, handle: Handle, port: int = 0) -> None:
        self.port = port
        self._handle = handle
        self._server: _Server | None = None

    def start(self) -> None:
        """Bind and answer from now on, in threads of its own."""
        if self._server is not None:
            return
        self._server = _Server(self.port, self._handle)
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="sandbox-http", daemon=True).start()

    def stop(self) -> None:
        """Refuse new connections and hang up the open ones; no effect when it is not running."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()
            server.hang_up()
