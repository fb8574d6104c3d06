"""Tokens: one for all workers of a region, renewed in time, kept from everybody else."""

import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from pytest_httpserver import HTTPServer
from redis import Redis

from backoffice.adapters.fhir import Credentials, FhirClient, FhirRefused
from backoffice.sandbox.fhir import FhirServer
from tests.fhir.world import FAST, ORDINARY, REGION, Connect, everyone, hospital_of

CLIENT, SECRET = "nightward", "s3cret:of/purbalingga"
ODD = (
    "https:///x",
    "http://[",
    "http://evil\\@127.0.0.1/",
    "http://user:pa55@127.0.0.1/",
    "ftp://127.0.0.1/",
    "http://\x00/",
)
EMPTY = {"resourceType": "Bundle", "type": "searchset"}


@pytest.fixture
def guarded() -> Iterator[FhirServer]:
    """A server that takes tokens of its own token server only."""
    with FhirServer(hospital_of(), clients={CLIENT: SECRET}) as served:
        yield served


def credentials(server: FhirServer, secret: str = SECRET) -> Credentials:
    return Credentials(token_url=server.token_url, client_id=CLIENT, client_secret=secret)


def by_credentials(server: FhirServer, connect: Connect) -> FhirClient:
    return connect(server.url, credentials(server))


def test_a_token_is_got_once_for_all_workers_of_the_region(guarded: FhirServer, connect: Connect) -> None:
    clients = [by_credentials(guarded, connect) for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda client: everyone(client, ORDINARY[:1]), clients * 4))
    assert guarded.tokens.issued == 1


def test_a_token_that_was_refused_is_renewed_once_for_all(guarded: FhirServer, connect: Connect) -> None:
    clients = [by_credentials(guarded, connect) for _ in range(4)]
    for client in clients:
        everyone(client, ORDINARY[:1])
    guarded.tokens.revoke()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda client: everyone(client, ORDINARY[:1]), clients * 4))
    assert guarded.tokens.issued == 2
    assert sum(client.take_calls()["token_refused"] for client in clients) >= 1


@pytest.mark.slow
def test_tokens_of_a_second_are_renewed_in_time(guarded: FhirServer, connect: Connect) -> None:
    guarded.shape.token_seconds = 1.0
    client = by_credentials(guarded, connect)
    until = time.monotonic() + 2.5
    while time.monotonic() < until:
        assert len(everyone(client, ORDINARY)) == 40
        time.sleep(0.05)
    assert guarded.tokens.issued >= 3


def test_a_new_token_that_is_refused_too_ends_it(peer: HTTPServer, connect: Connect) -> None:
    peer.expect_request("/token").respond_with_json({"access_token": "t", "expires_in": "60"})
    peer.expect_request("/fhir/Patient/_search").respond_with_data("", status=401)
    one = Credentials(token_url=peer.url_for("/token"), client_id="a", client_secret="b")
    client = connect(peer.url_for("/fhir"), one, options=replace(FAST, strategy="or-search"))
    with pytest.raises(FhirRefused, match="HTTP 401"):
        client.find(["3301"], region=REGION)
    assert [request.path for request, _ in peer.log].count("/fhir/Patient/_search") == 2


def test_a_static_token_that_is_refused_ends_it_at_once(connect: Connect) -> None:
    with FhirServer(hospital_of(), token="right") as served:
        assert len(everyone(connect(served.url, "right"), ORDINARY)) == 40
        with pytest.raises(FhirRefused, match="give the region a valid one"):
            connect(served.url, "wrong").find(["3301"], region=REGION)


def test_wrong_credentials_are_refused_in_one_line_without_them(guarded: FhirServer, connect: Connect) -> None:
    client = connect(guarded.url, credentials(guarded, "wrong-secret"))
    with pytest.raises(FhirRefused, match="correct FHIR_TOKEN_URL, FHIR_CLIENT_ID or") as raised:
        client.find(["3301"], region=REGION)
    assert "wrong-secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("status", "body"), [(302, ""), (404, ""), (200, "<html>"), (200, "{}"), (200, '{"access_token": "a b"}')]
)
def test_what_is_no_token_server_is_refused(peer: HTTPServer, connect: Connect, status: int, body: str) -> None:
    """A redirect of the token server is not followed: the secret is for the address in FHIR_TOKEN_URL."""
    headers = {"Location": peer.url_for("/elsewhere")} if status == 302 else {}
    peer.expect_request("/token").respond_with_data(body, status=status, headers=headers)
    one = Credentials(token_url=peer.url_for("/token"), client_id="a", client_secret="b")
    with pytest.raises(FhirRefused):
        connect(peer.url_for("/fhir"), one).find(["3301"], region=REGION)
    assert {request.path for request, _ in peer.log} == {"/token"}


def test_a_token_server_in_trouble_is_asked_again_and_then_given_up(peer: HTTPServer, connect: Connect) -> None:
    peer.expect_request("/token").respond_with_data("", status=503)
    one = Credentials(token_url=peer.url_for("/token"), client_id="a", client_secret="b")
    found = connect(peer.url_for("/fhir"), one).find(["3301"], region=REGION)
    assert found["3301"].fault == "token_http_503"
    assert len(peer.log) == 4


def test_credentials_that_changed_do_not_take_the_old_token(guarded: FhirServer, connect: Connect) -> None:
    everyone(by_credentials(guarded, connect), ORDINARY[:1])
    with pytest.raises(FhirRefused):
        connect(guarded.url, credentials(guarded, "another")).find(["3301"], region=REGION)


def test_what_is_in_redis_is_no_token(guarded: FhirServer, connect: Connect, queue: "Redis") -> None:
    everyone(by_credentials(guarded, connect), ORDINARY[:1])
    [token] = guarded.tokens.received
    kept = queue.get(f"token:fhir:{REGION}")
    assert isinstance(kept, bytes)
    assert token
    assert token.encode() not in kept
    assert SECRET.encode() not in kept
    assert 0 < queue.pttl(f"token:fhir:{REGION}") <= 300_000


def test_a_worker_that_died_while_it_renewed_is_waited_for_no_longer_than_its_lock(
    guarded: FhirServer, connect: Connect, queue: "Redis"
) -> None:
    queue.set(f"token:fhir:{REGION}:lock", "of a worker that died", px=500)
    began = time.monotonic()
    everyone(by_credentials(guarded, connect), ORDINARY[:1])
    assert time.monotonic() - began >= 0.4


def test_a_token_is_never_sent_to_another_address(peer: HTTPServer, connect: Connect) -> None:
    """Neither by a redirect nor by a next link; two servers record what they get."""
    with FhirServer(hospital_of()) as other:
        there = f"{other.url}/Patient/_search"
        peer.expect_ordered_request("/fhir/Patient/_search").respond_with_data("", 307, headers={"Location": there})
        client = connect(peer.url_for("/fhir"), "hush", options=replace(FAST, strategy="or-search"))
        with pytest.raises(FhirRefused, match="sends us elsewhere"):
            client.find(["3301"], region=REGION)
        for link in (there, there.replace("127.0.0.1", "localhost"), f"//127.0.0.1:{other.port}/x", *ODD):
            bundle = {**EMPTY, "link": [{"relation": "next", "url": link}]}
            peer.expect_ordered_request("/fhir/Patient/_search").respond_with_json(bundle)
            assert client.find(["3301"], region=REGION)["3301"].fault == "next_link"
        assert other.traffic.requests == 0
        assert other.tokens.received == set()
    assert {request.headers["Authorization"] for request, _ in peer.log} == {"Bearer hush"}


def test_the_secret_goes_to_the_token_server_only_and_the_token_to_the_fhir_server_only(
    peer: HTTPServer, connect: Connect
) -> None:
    peer.expect_request("/token").respond_with_json({"access_token": "the-token"})
    peer.expect_request("/fhir/Patient/_search").respond_with_json(EMPTY)
    one = Credentials(token_url=peer.url_for("/token"), client_id="a", client_secret="b", scope="system/Patient.rs")
    connect(peer.url_for("/fhir"), one, options=replace(FAST, strategy="or-search")).find(["3301"], region=REGION)
    (asked, _), (searched, _) = peer.log
    assert asked.headers["Authorization"].startswith("Basic ")
    assert asked.get_data() == b"grant_type=client_credentials&scope=system%2FPatient.rs"
    assert searched.headers["Authorization"] == "Bearer the-token"


@pytest.mark.parametrize("url", ["ftp://x/fhir", "http://user:pa55@h/fhir", "http://h/fhir?tenant=1", "nonsense"])
def test_an_address_that_is_none_is_refused_without_being_repeated(connect: Connect, url: str) -> None:
    with pytest.raises(FhirRefused, match="FHIR_SERVER_URL is not") as raised:
        connect(url)
    assert "pa55" not in str(raised.value)


def test_a_token_that_no_header_can_hold_is_refused(connect: Connect) -> None:
    with pytest.raises(FhirRefused, match="no header can hold") as raised:
        connect("http://127.0.0.1:1/fhir", "pa55\nX: y")
    assert "pa55" not in str(raised.value)


def test_neither_secrets_nor_tokens_are_logged_or_shown(
    guarded: FhirServer, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    given = credentials(guarded)
    everyone(connect(guarded.url, given), ORDINARY[:1])
    [token] = guarded.tokens.received
    told = repr(given) + "".join(record.getMessage() for record in caplog.records)
    assert SECRET not in told
    assert token not in told
