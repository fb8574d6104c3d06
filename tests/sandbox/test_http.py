"""The peers' HTTP server: keep-alive, and requests that are none."""

import socket
import threading
import time

import pytest

from backoffice.sandbox.hospital import Hospital
from backoffice.sandbox.http import MAX_BODY, HttpServer, Reply, Request
from tests.sandbox.world import TOKEN

HEAD = f"POST /graphql HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {TOKEN}\r\n"


def exchange(port: int, request: bytes, *, times: int = 1) -> list[bytes]:
    """Send the same bytes again and again over one connection; each answer, empty when the server hung up."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        answers = []
        for _ in range(times):
            connection.sendall(request)
            answers.append(connection.recv(65536))
        return answers


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        ("nonsense\r\n\r\n", 400),
        ("POST /graphql HTTP/1.0\r\n\r\n", 400),
        (HEAD + "no colon\r\n\r\n", 400),
        (HEAD + "".join(f"X-{number}: 1\r\n" for number in range(101)) + "\r\n", 400),
        (HEAD + "X: " + "x" * 70_000 + "\r\n\r\n", 431),
        (HEAD + "\r\n", 411),
        (HEAD + "Content-Length: many\r\n\r\n", 411),
        (HEAD + "Transfer-Encoding: chunked\r\n\r\n", 411),
        (HEAD + f"Content-Length: {MAX_BODY + 1}\r\n\r\n", 413),
        (HEAD + "Content-Length: 1\r\n\r\nx", 400),
        (HEAD + "Content-Length: 2\r\n\r\n{}", 400),
        (HEAD + 'Content-Length: 30\r\n\r\n{"query":"{}","variables":[1]} ', 400),
        (HEAD + 'Content-Length: 31\r\n\r\n{"query":"{}","operationName":1}', 400),
        (HEAD.replace("/graphql", "/") + "Content-Length: 0\r\n\r\n", 404),
        ("GET /graphql HTTP/1.1\r\nHost: here\r\n\r\n", 405),
        ("POST /graphql HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 401),
    ],
)
def test_a_request_that_is_none_is_refused_with_its_status(hospital: Hospital, request_text: str, status: int) -> None:
    assert exchange(hospital.port, request_text.encode())[0].startswith(f"HTTP/1.1 {status} ".encode())


def test_one_connection_answers_request_after_request_without_a_delay(hospital: Hospital) -> None:
    body = '{"query": "{ case(id: \\"C-1\\") { id } }"}'
    began = time.monotonic()
    answers = exchange(hospital.port, f"{HEAD}Content-Length: {len(body)}\r\n\r\n{body}".encode(), times=100)
    assert all(answer.endswith(b'{"data":{"case":{"id":"C-1"}}}') for answer in answers)
    assert time.monotonic() - began < 2, "40 ms each would be Nagle's delay"


def test_a_client_may_close_the_connection_or_wait_for_leave_to_go_on(hospital: Hospital) -> None:
    body = '{"query": "{ case(id: \\"C-1\\") { id } }"}'
    closing = f"{HEAD}Connection: close\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    with socket.create_connection(("127.0.0.1", hospital.port), timeout=5) as connection:
        connection.sendall(closing.encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
        assert answer.endswith(b'{"data":{"case":{"id":"C-1"}}}')
    waiting = f"{HEAD}Expect: 100-continue\r\nContent-Length: {len(body)}\r\n\r\n"
    assert exchange(hospital.port, waiting.encode())[0].startswith(b"HTTP/1.1 100 Continue\r\n\r\n")


def test_a_stopped_server_hangs_up_and_starts_again_on_its_port() -> None:
    arrived = threading.Event()

    def answer(request: Request) -> Reply:
        arrived.set()
        return Reply(200, request.body)

    server = HttpServer(answer)
    server.stop()
    server.start()
    server.start()
    port = server.port
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi")
        assert connection.recv(100).endswith(b"hi")
        assert arrived.is_set()
        server.stop()
        assert connection.recv(100) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)
    server.start()
    assert server.port == port
    assert exchange(port, b"GET / HTTP/1.1\r\n\r\n")[0].startswith(b"HTTP/1.1 200 OK")
    server.stop()


def test_a_taken_port_is_an_error() -> None:
    first = HttpServer(lambda request: None)
    first.start()
    with pytest.raises(OSError, match="in use"):
        HttpServer(lambda request: None, first.port).start()
    first.stop()
