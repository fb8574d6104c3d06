"""What a call shows of itself: its correlation id to the hospital, and neither token nor patient to anybody else."""

import logging
import traceback
from collections.abc import Callable

import pytest
from pytest_httpserver import HTTPServer

from backoffice.adapters.hospital import Hospital, HospitalRefused, HospitalUnavailable, WriteUnanswered
from tests.adapters.conftest import TOKEN, Connect, answer, answer_errors, appointment, create, listing, page_of, then
from tests.adapters.raw import RawServer, reset_after_reading

FAULTS: list[Callable[[HTTPServer], None]] = [
    lambda peer: then(peer, 401, f"unknown token {TOKEN}"),
    lambda peer: then(peer, 400, "patient P-007"),
    lambda peer: then(peer, 200, '{"data": "P-007'),
    lambda peer: answer_errors(peer, "BAD_REQUEST"),
    lambda peer: answer_errors(peer, "FORBIDDEN"),
    lambda peer: answer(peer, "appointments", page_of(appointment(start="P-007"))),
    lambda peer: answer(peer, "createServiceSession", {"session": {"id": "P-007"}, "errors": []}),
]


def test_token_and_correlation_id_travel_in_headers_and_nothing_in_the_address(
    hospital: Hospital, peer: HTTPServer
) -> None:
    answer(peer, "case", None)
    hospital.case("C-1")
    request = peer.log[0][0]
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"
    assert request.headers["X-Correlation-ID"] == "c0ffee"
    assert request.url == peer.url_for("/graphql")


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("call", [listing, create])
def test_neither_errors_nor_logs_tell_the_token_or_a_patient(
    hospital: Hospital,
    peer: HTTPServer,
    caplog: pytest.LogCaptureFixture,
    fault: Callable[[HTTPServer], None],
    call: Callable[[Hospital], object],
) -> None:
    fault(peer)
    caplog.set_level(logging.DEBUG)
    with pytest.raises((HospitalRefused, HospitalUnavailable, WriteUnanswered)) as raised:
        call(hospital)
    told = "".join(traceback.format_exception(raised.value)) + repr(raised.value)
    # The peer runs in this process: what it logs is its own affair.
    told += "".join(record.getMessage() for record in caplog.records if record.name != "werkzeug")
    assert TOKEN not in told
    assert "P-007" not in told


def test_a_password_in_the_address_is_refused_and_one_in_its_query_not_told(connect: Connect, peer: HTTPServer) -> None:
    then(peer, 404)
    with pytest.raises(HospitalRefused, match="without user and password") as refused:
        connect(peer.url_for("/graphql").replace("://", "://user:pa55@"))
    with pytest.raises(HospitalRefused, match="HTTP 404") as raised:
        listing(connect(peer.url_for("/graphql?key=pa55")))
    assert "pa55" not in f"{refused.value} {raised.value}"


def test_a_broken_connection_tells_nothing_either(connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with RawServer(reset_after_reading) as server, pytest.raises(WriteUnanswered) as raised:
        create(connect(server.url))
    assert TOKEN not in "".join(traceback.format_exception(raised.value)) + caplog.text
