"""What the web server says of requests that never come to the application."""

import socket

import pytest
from gunicorn.http import errors
from structlog.testing import capture_logs

from backoffice.web_worker import Worker, status_of

PATIENT = "MARIA GARCIA"
UNREADABLE = [
    (errors.InvalidRequestLine(f"GET /?name={PATIENT} HTTP/1.1"), 400),
    (errors.InvalidRequestMethod(PATIENT), 400),
    (errors.InvalidHeaderName(PATIENT), 400),
    (errors.LimitRequestLine(5000, 4094), 414),
    (errors.LimitRequestHeaders(PATIENT), 431),
    (errors.InvalidResponseHeader(PATIENT), 500),
    (ValueError(PATIENT), 500),
]


@pytest.mark.parametrize(("error", "status"), UNREADABLE, ids=[type(error).__name__ for error, _ in UNREADABLE])
def test_of_a_request_that_cannot_be_read_only_the_kind_of_fault_is_told(error: Exception, status: int) -> None:
    """No patient's name in a line of the log or on an error page; gunicorn's own repeats the request's line [S4-09]."""
    ours, theirs = socket.socketpair()
    with ours, theirs, capture_logs() as lines:
        Worker.__new__(Worker).handle_error(None, ours, ("127.0.0.1", 1), error)
        ours.close()
        answer = b"".join(iter(lambda: theirs.recv(65536), b"")).decode()
    assert answer.startswith(f"HTTP/1.1 {status} ")
    assert type(error).__name__ in answer
    assert "MARIA" not in answer
    (line,) = lines
    assert "MARIA" not in str({**line, "exc_info": type(line.get("exc_info"))})
    assert status_of(error) == status


def test_a_caller_that_has_gone_is_no_fault() -> None:
    ours, theirs = socket.socketpair()
    theirs.close()
    with ours:
        Worker.__new__(Worker).handle_error(None, ours, ("127.0.0.1", 1), errors.InvalidRequestLine(PATIENT))
