"""A hospital that was closed while threads still call it: each of them is told so at once."""

from threading import Thread
from time import monotonic

import pytest
from pytest_httpserver import HTTPServer

from backoffice.adapters.hospital import Hospital, HospitalUnavailable
from backoffice.adapters.http import HttpClient, NotSent
from tests.adapters.conftest import BLOCK, answer, answer_errors
from tests.processes import until


def test_a_call_after_the_end_is_refused_and_not_sent(hospital: Hospital, peer: HTTPServer) -> None:
    answer(peer, "serviceBlock", BLOCK)
    assert hospital.block("B-1") is not None
    hospital.close()
    with pytest.raises(HospitalUnavailable, match="closed"):
        hospital.block("B-1")
    assert len(peer.log) == 1


def test_a_pause_before_a_retry_ends_with_the_hospital(hospital: Hospital, peer: HTTPServer) -> None:
    peer.expect_request("/graphql").respond_with_data("", status=503, headers={"Retry-After": "20"})
    told: list[str] = []

    def ask() -> None:
        try:
            hospital.block("B-1")
        except HospitalUnavailable as error:
            told.append(error.code)

    thread, started = Thread(target=ask), monotonic()
    thread.start()
    until(lambda: len(peer.log) == 1, what="the first call")
    hospital.close()
    thread.join()
    assert told == ["closed"]
    assert monotonic() - started < 15


def test_a_client_that_was_closed_says_that_nothing_was_sent(peer: HTTPServer) -> None:
    answer_errors(peer)
    client = HttpClient(timeout=5, connections=1, headers={})
    client.close()
    with pytest.raises(NotSent):
        client.post(peer.url_for("/graphql"), b"{}")
    assert peer.log == []
