"""A peer on a bare socket, for what no HTTP server would do."""

import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

Behaviour = Callable[[socket.socket, threading.Event], None]


class RawServer:
    """Gives every connection, one thread each, to `behaviour`, and closes it afterwards."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=32)
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self.connections = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/graphql"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, _: TracebackType | None) -> None:
        self._stopping.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in [self._thread, *self._threads]:
            thread.join(5)

    def _serve(self) -> None:
        while not self._stopping.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._threads.append(threading.Thread(target=self._handle, args=(connection,)))
            self._threads[-1].start()

    def _handle(self, connection: socket.socket) -> None:
        connection.settimeout(5)
        with connection, suppress(OSError):
            self._behaviour(connection, self._stopping)


def read_request(connection: socket.socket) -> bytes:
    """One whole request; what is there when the client goes."""
    received = b""
    while b"\r\n\r\n" not in received:
        piece = connection.recv(65536)
        if not piece:
            return received
        received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    lines = [line.partition(b":") for line in head.lower().split(b"\r\n")]
    length = next(int(value) for name, _, value in lines if name == b"content-length")
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def reset(connection: socket.socket) -> None:
    """Close with RST, as a crashed process does."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def silent(connection: socket.socket, stopping: threading.Event) -> None:
    """Take the request and never answer."""
    read_request(connection)
    stopping.wait(30)


def reset_while_sending(connection: socket.socket, stopping: threading.Event) -> None:
    """Be gone as soon as the first byte of a request is there."""
    connection.recv(1)
    reset(connection)


def reset_after_reading(connection: socket.socket, stopping: threading.Event) -> None:
    """Take the whole request, then be gone."""
    read_request(connection)
    reset(connection)


def trickle(head: bytes, drop: bytes, seconds: float) -> Behaviour:
    """Answer `head`, then `drop` again and again, a little later each."""

    def behave(connection: socket.socket, stopping: threading.Event) -> None:
        read_request(connection)
        connection.sendall(head)
        while not stopping.wait(seconds):
            connection.sendall(drop)

    return behave


def endless(connection: socket.socket, stopping: threading.Event) -> None:
    """An answer of 10 GB, as fast as it can be taken."""
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 10000000000\r\n\r\n")
    while not stopping.is_set():
        connection.sendall(b"x" * 65536)


def broken_body(connection: socket.socket, stopping: threading.Event) -> None:
    """Promise a hundred bytes, send ten and hang up."""
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b"x" * 10)
