"""What a call does when the hospital does not do its part: retried where that is harmless, and named."""

from collections import Counter
from time import monotonic

import pytest
from pytest_httpserver import HTTPServer

from backoffice.adapters.hospital import Hospital, HospitalRefused, HospitalUnavailable, Session, WriteUnanswered
from tests.adapters.conftest import (
    BLOCK,
    SESSION,
    TOKEN,
    Connect,
    answer,
    answer_errors,
    create,
    listing,
    page_of,
    then,
)
from tests.adapters.raw import (
    Behaviour,
    RawServer,
    broken_body,
    endless,
    reset_after_reading,
    reset_while_sending,
    silent,
    trickle,
)

GARBAGE = [
    "",
    "<html><body>Down for maintenance</body></html>",
    '{"data": {"serviceBlock": ',
    "[" * 100_000,
    "1" * 5_000,
    "null",
    "[]",
    '{"data": null}',
    '{"data": []}',
    '{"data": {"block": {}}}',
    '{"data": {"serviceBlock": {"code": null, "name": null}}}',
    '{"errors": "no"}',
    '{"errors": [null, {"extensions": null}, {"message": "Cannot query field"}]}',
    '{"errors": [{"extensions": {"code": {}}}]}',
    '{"a": "' + "x" * 10_000_000 + '"}',
    '{"data": {"serviceBlock": null}}' + " " * 10_000_000,
]


@pytest.mark.parametrize("garbage", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage_is_unreadable_and_not_asked_for_again(hospital: Hospital, peer: HTTPServer, garbage: str) -> None:
    peer.expect_request("/graphql").respond_with_data(garbage)
    with pytest.raises(HospitalUnavailable) as raised:
        hospital.block("B-1")
    assert raised.value.code == "unreadable_answer"
    assert len(peer.log) == 1


@pytest.mark.parametrize("garbage", GARBAGE[:-2], ids=range(len(GARBAGE) - 2))
def test_garbage_after_a_write_leaves_it_unanswered(hospital: Hospital, peer: HTTPServer, garbage: str) -> None:
    """X-20"""
    peer.expect_request("/graphql").respond_with_data(garbage)
    with pytest.raises(WriteUnanswered):
        create(hospital)
    assert len(peer.log) == 1


@pytest.mark.parametrize(
    "payload",
    [
        None,
        {"session": None, "errors": []},
        {"session": SESSION, "errors": [{"code": "INTERNAL", "blockCode": None}]},
        {"session": {**SESSION, "appointmentId": "A-2"}, "errors": []},
        {"session": None, "errors": [{"code": "SOMETHING_NEW", "blockCode": None}]},
        {"session": None, "errors": None},
    ],
)
def test_a_contradictory_write_payload_is_no_answer(hospital: Hospital, peer: HTTPServer, payload: object) -> None:
    answer(peer, "createServiceSession", payload)
    with pytest.raises(WriteUnanswered):
        create(hospital)


def test_busy_is_waited_for_as_long_as_it_asks(hospital: Hospital, peer: HTTPServer) -> None:
    then(peer, 429, Retry_After="0")
    then(peer, 503, Retry_After="Fri, 01 Jan 2021 00:00:00 GMT")
    then(peer, 429, Retry_After="soon")
    then(peer, 200, {"data": {"serviceBlock": BLOCK}})
    assert hospital.block("B-1") is not None
    assert hospital.take_calls() == Counter({"block": 1, "retries": 3})


@pytest.mark.parametrize("status", [429, 503])
def test_a_write_is_sent_again_while_the_hospital_is_busy(hospital: Hospital, peer: HTTPServer, status: int) -> None:
    then(peer, status, Retry_After="0")
    then(peer, 200, {"data": {"createServiceSession": {"session": SESSION, "errors": []}}})
    assert isinstance(create(hospital), Session)
    first, second = (request.get_data() for request, _ in peer.log)
    assert first == second


@pytest.mark.parametrize(("status", "code"), [(429, "http_429"), (503, "http_503"), (502, "http_502")])
def test_busy_for_ever_ends_after_three_retries(hospital: Hospital, peer: HTTPServer, status: int, code: str) -> None:
    peer.expect_request("/graphql").respond_with_data("<html>", status=status, headers={"Retry-After": "0"})
    with pytest.raises(HospitalUnavailable) as raised:
        listing(hospital)
    assert raised.value.code == code
    assert len(peer.log) == 4


@pytest.mark.parametrize("status", [403, 413, 422])
def test_another_status_is_named_and_not_retried(hospital: Hospital, peer: HTTPServer, status: int) -> None:
    peer.expect_request("/graphql").respond_with_data("no", status=status)
    with pytest.raises(HospitalUnavailable, match=f"http_{status}"):
        create(hospital)
    assert len(peer.log) == 1


@pytest.mark.parametrize("status", [500, 502, 504])
def test_a_write_that_failed_inside_the_hospital_may_have_been_carried_out(
    hospital: Hospital, peer: HTTPServer, status: int
) -> None:
    """X-20"""
    peer.expect_request("/graphql").respond_with_data("oops", status=status)
    with pytest.raises(WriteUnanswered):
        create(hospital)
    assert len(peer.log) == 1


@pytest.mark.parametrize("status", [301, 302, 400, 401, 404, 405])
def test_a_wrong_address_or_token_is_said_at_once_and_for_all(
    hospital: Hospital, peer: HTTPServer, status: int
) -> None:
    peer.expect_request("/graphql").respond_with_data("no", status=status, headers={"Location": "/elsewhere"})
    with pytest.raises(HospitalRefused, match=rf"{peer.host}:{peer.port}/graphql.*HTTP {status}"):
        listing(hospital)
    assert len(peer.log) == 1


@pytest.mark.parametrize("url", ["", "graphql", "ftp://h/", "http://", "http://h:99999/", "http://[::1/"])
def test_an_address_that_is_none_is_refused_before_anything_is_sent(url: str) -> None:
    with pytest.raises(HospitalRefused, match="address"):
        Hospital(url, TOKEN, timeout=1)


@pytest.mark.parametrize("token", ["", "a b", "a\nX-Evil: 1", "tökén"])
def test_a_token_that_no_header_can_hold_is_refused_without_being_shown(token: str) -> None:
    with pytest.raises(HospitalRefused, match="token is empty or has characters"):
        Hospital("http://127.0.0.1:1/graphql", token, timeout=1)


def test_graphql_says_bad_request(hospital: Hospital, peer: HTTPServer) -> None:
    answer_errors(peer, "INTERNAL", "BAD_REQUEST")
    with pytest.raises(HospitalRefused, match="refuses appointments"):
        listing(hospital)


@pytest.mark.usefixtures("short_pauses")
@pytest.mark.parametrize(("code", "requests"), [("INTERNAL", 4), ("FORBIDDEN", 1)])
def test_graphql_errors_of_reads_are_named(hospital: Hospital, peer: HTTPServer, code: str, requests: int) -> None:
    answer_errors(peer, code)
    with pytest.raises(HospitalUnavailable) as raised:
        hospital.case("C-1")
    assert (raised.value.code, len(peer.log)) == (code, requests)


def test_graphql_errors_of_a_write_are_certain_only_when_it_was_forbidden(hospital: Hospital, peer: HTTPServer) -> None:
    then(peer, 200, {"errors": [{"extensions": {"code": "FORBIDDEN"}}]})
    then(peer, 200, {"data": None, "errors": [{"extensions": {"code": "INTERNAL"}}]})
    with pytest.raises(HospitalUnavailable, match="FORBIDDEN"):
        create(hospital)
    with pytest.raises(WriteUnanswered):
        create(hospital)


@pytest.mark.slow
def test_nobody_at_home_is_tried_four_times_also_for_a_write(connect: Connect) -> None:
    with RawServer(silent) as gone:
        url = gone.url
    hospital, started = connect(url), monotonic()
    with pytest.raises(HospitalUnavailable, match="connection"):
        create(hospital)
    assert hospital.take_calls() == Counter({"create_session": 1, "retries": 3})
    assert monotonic() - started > 2  # 0.1, 0.4 and 1.6 seconds between them


@pytest.mark.usefixtures("short_pauses")
@pytest.mark.parametrize(
    "behaviour", [reset_while_sending, reset_after_reading, broken_body], ids=lambda behaviour: behaviour.__name__
)
def test_a_broken_connection_is_tried_again_for_reads_and_never_for_writes(
    connect: Connect, behaviour: Behaviour
) -> None:
    """X-20"""
    with RawServer(behaviour) as server:
        hospital = connect(server.url)
        with pytest.raises(HospitalUnavailable, match="connection"):
            hospital.case("C-1")
        assert server.connections == 4
        with pytest.raises(WriteUnanswered):
            create(hospital)
        assert server.connections == 5


@pytest.mark.parametrize(
    "behaviour",
    [
        silent,
        trickle(b"", b"H", 0.1),
        trickle(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n", 0.1),
        trickle(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", 0.1),
        trickle(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", b" ", 0.1),
        trickle(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.1),
    ],
    ids=["silence", "status line", "headers", "chunks", "body", "continue"],
)
def test_a_call_ends_in_time_however_slowly_it_is_answered(connect: Connect, behaviour: Behaviour) -> None:
    with RawServer(behaviour) as server:
        hospital = connect(server.url, timeout=0.6)
        started = monotonic()
        with pytest.raises(WriteUnanswered):
            create(hospital)
        assert 0.5 < monotonic() - started < 3


def test_an_endless_answer_is_given_up_and_the_next_call_works(connect: Connect, peer: HTTPServer) -> None:
    with RawServer(endless) as server, pytest.raises(HospitalUnavailable, match="unreadable_answer"):
        connect(server.url).block("B-1")


def test_the_same_client_goes_on_after_each_fault(hospital: Hospital, peer: HTTPServer) -> None:
    then(peer, 200, "x" * 10_000_000)
    then(peer, 200, {"data": {"appointments": page_of()}})
    with pytest.raises(HospitalUnavailable):
        listing(hospital)
    assert listing(hospital).appointments == ()
