"""A server in trouble is left alone for as long as it asks, by everybody who calls it for the region."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from threading import Thread

import pytest
from pytest_httpserver import HTTPServer
from redis import Redis

from backoffice.adapters.fhir import Options
from backoffice.adapters.pace import Pace, PaceUnavailable
from backoffice.sandbox.fhir import FhirServer
from tests.adapters.raw import RawServer, reset_after_reading, silent, trickle
from tests.fhir.world import FAST, ORDINARY, REGION, Connect, change, everyone, put
from tests.processes import until

SEARCH = replace(FAST, strategy="or-search")
EMPTY = {"resourceType": "Bundle", "type": "searchset"}


@contextmanager
def taking(at_least: float, at_most: float = 20.0) -> Iterator[None]:
    began = time.monotonic()
    yield
    assert at_least <= time.monotonic() - began <= at_most


def refuse_once(peer: HTTPServer, status: int, **headers: str) -> None:
    peer.expect_ordered_request("/fhir/Patient/_search").respond_with_data("", status=status, headers=headers)
    peer.expect_ordered_request("/fhir/Patient/_search").respond_with_json(EMPTY)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again_three_times(peer: HTTPServer, connect: Connect, status: int) -> None:
    """S1-19: three retries for 429, 500, 502, 503 and 504."""
    peer.expect_request("/fhir/Patient/_search").respond_with_data("", status=status)
    client = connect(peer.url_for("/fhir"), options=SEARCH)
    assert client.find(["3301"], region=REGION)["3301"].fault == f"http_{status}"
    calls = client.take_calls()
    assert (calls["requests"], calls["retries"]) == (4, 3)


def test_other_statuses_are_final(peer: HTTPServer, connect: Connect) -> None:
    peer.expect_request("/fhir/Patient/_search").respond_with_data("", status=422)
    client = connect(peer.url_for("/fhir"), options=SEARCH)
    assert client.find(["3301"], region=REGION)["3301"].fault == "http_422"
    assert client.take_calls()["requests"] == 1


@pytest.mark.slow
@pytest.mark.parametrize("status", [429, pytest.param(503, marks=pytest.mark.slow)])
def test_retry_after_is_honoured_in_seconds_and_as_a_date(peer: HTTPServer, connect: Connect, status: int) -> None:
    client = connect(peer.url_for("/fhir"), options=SEARCH)
    refuse_once(peer, status, **{"Retry-After": "1"})
    with taking(1.0):
        client.find(["3301"], region=REGION)
    moment = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=3)
    refuse_once(peer, status, **{"Retry-After": format_datetime(moment, usegmt=True)})
    client.find(["3301"], region=REGION)
    assert datetime.now(UTC) >= moment


def test_without_it_the_pauses_double_from_the_first(peer: HTTPServer, connect: Connect) -> None:
    """S1-19: backoff 1, 2, 4 seconds; here a tenth of that, give or take a half."""
    peer.expect_request("/fhir/Patient/_search").respond_with_data("", status=503)
    client = connect(peer.url_for("/fhir"), options=replace(SEARCH, backoff=0.1))
    with taking(0.35):
        client.find(["3301"], region=REGION)
    assert Options().backoff == 1.0


@pytest.mark.slow
def test_a_pause_holds_for_all_workers_of_the_region_and_for_no_other(
    peer: HTTPServer, server: FhirServer, connect: Connect, queue: "Redis"
) -> None:
    refuse_once(peer, 429, **{"Retry-After": "5"})
    first = connect(peer.url_for("/fhir"), options=SEARCH)
    colleague, stranger = connect(server.url), connect(server.url, region="lombok-barat")
    asking = Thread(target=first.find, args=(["3301"],), kwargs={"region": REGION})
    asking.start()
    until(lambda: queue.exists(f"pace:fhir:{REGION}:held"))
    stranger.find(ORDINARY[:1], region="lombok-barat")
    assert queue.exists(f"pace:fhir:{REGION}:held")
    colleague.find(ORDINARY[:1], region=REGION)
    assert not queue.exists(f"pace:fhir:{REGION}:held")
    asking.join(20)
    assert len(peer.log) == 2


def test_a_batch_takes_its_entries_from_a_pace_of_their_own(server: FhirServer, connect: Connect) -> None:
    """S1-18, X-01: a batch of a hundred does not hit the server a hundred times harder; no sleep after work."""
    client = connect(server.url, options=replace(FAST, requests_per_second=100, entries_per_second=100))
    values = [f"x{number}" for number in range(150)]
    with taking(1.3):  # the first hundred are free, those after them are not, less a tenth of a second's
        client.find(values[:100], region=REGION)
        client.find(values[100:], region=REGION)
        client.find(values[:1], region=REGION)


def test_the_usual_pace_is_ten_requests_and_three_hundred_entries_a_second() -> None:
    """S1-18, X-01."""
    assert (Options().requests_per_second, Options().entries_per_second) == (10.0, 300.0)
    assert Options().timeout == 30.0  # S1-19


def test_without_redis_nobody_calls(server: FhirServer, connect: Connect) -> None:
    client = connect(server.url, redis_url="redis://127.0.0.1:1/0")
    with pytest.raises(PaceUnavailable):
        client.find(ORDINARY[:1], region=REGION)
    assert server.traffic.requests == 0


@pytest.mark.parametrize(
    ("behaviour", "retries"),
    [
        (reset_after_reading, 3),
        (silent, 3),
        (trickle(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b" ", 0.05), 3),
    ],
)
def test_a_connection_that_breaks_or_hangs_is_given_up(connect: Connect, behaviour: object, retries: int) -> None:
    """S1-19: the timeout is of the whole call, however slowly the server answers."""
    with RawServer(behaviour) as raw:  # type: ignore[arg-type]
        client = connect(raw.url.replace("/graphql", "/fhir"), options=replace(SEARCH, timeout=0.3))
        with taking(0.0):
            assert client.find(["3301"], region=REGION)["3301"].fault == "connection"
        assert client.take_calls()["retries"] == retries


def test_nobody_at_the_address_is_a_fault_of_each_value(connect: Connect) -> None:
    client = connect("http://127.0.0.1:1/fhir")
    found = client.find(["3301", "3302"], region=REGION)
    assert {one.fault for one in found.values()} == {"connection"}


def test_writes_wait_and_go_on_after_a_pause(server: FhirServer, connect: Connect) -> None:
    """S1-19, X-08."""
    client = connect(server.url)
    patients = everyone(client, ORDINARY[:3])
    server.faults.retry_after = 1
    server.faults.next("http429")
    server.faults.next("http500")
    with taking(1.0):
        assert {one.outcome for one in put(client, change(patients))} == {"written"}
    assert len(server.store.written) == 3


@pytest.mark.slow
def test_a_pause_is_kept_by_who_waited_when_it_began(queue: object, queue_server: str) -> None:
    """Who has a slot already takes another after the pause, so that it does not end in a burst."""
    with closing(Pace(queue_server, "pace:held", 1)) as pace:
        pace.wait()
        ends: list[float] = []

        def wait() -> None:
            pace.wait()
            ends.append(time.monotonic())

        waiting = [Thread(target=wait) for _ in range(2)]
        for thread in waiting:
            thread.start()
        time.sleep(0.1)
        began = time.monotonic()
        pace.hold(2.0)
        pace.hold(0.1)  # a shorter one takes nothing away
        for thread in waiting:
            thread.join(10)
    assert min(ends) - began >= 1.95
    assert max(ends) - min(ends) >= 0.3  # a second between two, unless the first woke up late
