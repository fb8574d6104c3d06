"""Patients are looked up by system and value; what comes back is checked by us."""

import json
from dataclasses import replace
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from backoffice.adapters.fhir import FhirClient, FhirRefused, Options
from backoffice.sandbox.fhir import SYSTEM, FhirServer
from tests.fhir.world import (
    DUPLICATE,
    FAST,
    FOREIGN,
    INACTIVE,
    MERGED,
    NO_PHONE,
    ORDINARY,
    REGION,
    RICH,
    Connect,
    Json,
    hospital_of,
    patient,
)

WAYS = {
    "batch-get": FAST,
    "or-search": replace(FAST, strategy="or-search"),
    "one by one": replace(FAST, batch=False),
}
KINDS = {
    ORDINARY[0]: ("found", 1),
    DUPLICATE: ("found", 2),
    FOREIGN: ("none", 0),  # asked for by system, the server does not even show it
    MERGED: ("merged", 0),
    INACTIVE: ("inactive", 0),
    NO_PHONE: ("found", 1),
    RICH: ("found", 1),
    "3300000000000000": ("none", 0),
    "": ("none", 0),
    " ": ("none", 0),
    "a\nb": ("none", 0),
}


@pytest.fixture(params=list(WAYS))
def options(request: pytest.FixtureRequest) -> Options:
    return WAYS[request.param]


def searchset(*patients: Json, **more: Any) -> Json:
    return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": one} for one in patients], **more}


def answer(peer: HTTPServer, bundle: Json) -> None:
    """From now on, answer this to a search."""
    peer.expect_request("/fhir/Patient/_search", method="POST").respond_with_json(bundle)


def test_each_value_is_told_by_what_it_stands_for(server: FhirServer, connect: Connect, options: Options) -> None:
    """S1-14, X-07: every current match is found; merged and inactive patients are kinds of their own."""
    found = connect(server.url, options=options).find(list(KINDS), region=REGION)
    assert {value: (one.outcome, len(one.patients)) for value, one in found.items()} == KINDS


def test_hundreds_of_values_take_few_requests(server: FhirServer, connect: Connect) -> None:
    values = [f"x{number}" for number in range(250)]
    for way, kind in (("batch-get", "lookup_batch"), ("or-search", "search")):
        client = connect(server.url, options=WAYS[way])
        assert {one.outcome for one in client.find(values, region=REGION).values()} == {"none"}
        calls = client.take_calls()
        assert (calls[kind], calls["requests"]) == (3, 3)


def test_no_identifier_is_in_an_address_that_is_called(peer: HTTPServer, connect: Connect, options: Options) -> None:
    peer.expect_request("/fhir", method="POST").respond_with_json({"resourceType": "Bundle", "entry": []})
    answer(peer, searchset())
    connect(peer.url_for("/fhir"), options=options).find(["3301", "3302"], region=REGION)
    assert peer.log
    assert all("330" not in request.full_path for request, _ in peer.log)  # a port may have it


@pytest.mark.parametrize("total", [{}, {"total": 0}, {"total": "many"}])
def test_a_total_is_not_believed(peer: HTTPServer, connect: Connect, total: Json) -> None:
    """S1-20, X-06: a server that leaves total out, or says 0, has found what is in the entries."""
    answer(peer, searchset(patient("a", "3301"), **total))
    client = connect(peer.url_for("/fhir"), options=WAYS["or-search"])
    assert client.find(["3301"], region=REGION)["3301"].outcome == "found"


@pytest.mark.parametrize(
    ("status", "body", "fault"),
    [
        (404, "", FhirRefused),
        (403, "", FhirRefused),
        (302, "", FhirRefused),
        (401, "", FhirRefused),
        (
            400,
            {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "value"}]},
            "http_400_value",
        ),
        (500, "", "http_500"),
        (503, "", "http_503"),
        (418, "<html>", "http_418"),
        (200, "<html>Down</html>", "unreadable_answer"),
        (200, {"resourceType": "Patient"}, "unreadable_answer"),
        (200, [], "unreadable_answer"),
        (200, {"resourceType": "Bundle", "entry": [3]}, "unreadable_answer"),
        (200, {"resourceType": "Bundle", "link": [{"relation": "next"}]}, "unreadable_answer"),
        (200, searchset({"resourceType": "Patient", "id": "../x"}), "unreadable_answer"),
    ],
)
@pytest.mark.parametrize("way", ["one by one", "or-search"])
def test_what_is_no_answer_is_never_not_found(
    peer: HTTPServer, connect: Connect, status: int, body: Any, fault: Any, way: str
) -> None:
    """S1-20, X-06: non-200 is an error, not "not found"; so is a page of HTML with status 200."""
    text = body if isinstance(body, str) else json.dumps(body)
    peer.expect_request("/fhir/Patient/_search").respond_with_data(text, status=status)
    client = connect(peer.url_for("/fhir"), "token", options=WAYS[way])
    fault = "http_404" if (way, status) == ("or-search", 404) else fault  # a page that is gone is no missing server
    if isinstance(fault, str):
        found = client.find(["3301"], region=REGION)["3301"]
        assert (found.outcome, found.fault) == ("failed", fault)
    else:
        with pytest.raises(fault):
            client.find(["3301"], region=REGION)


def test_a_value_of_another_system_or_out_of_use_is_foreign(peer: HTTPServer, connect: Connect) -> None:
    """X-07: a bare value is no match, whatever the server says."""
    other = [{"system": "https://elsewhere", "value": "3301"}]
    old = [{"system": SYSTEM, "value": "3301", "use": "old"}]
    bare = [{"value": "3301"}]
    answer(peer, searchset(*(patient(f"p{n}", identifier=one) for n, one in enumerate((other, old, bare)))))
    found = connect(peer.url_for("/fhir"), options=WAYS["or-search"]).find(["3301"], region=REGION)["3301"]
    assert (found.outcome, found.foreign, found.patients) == ("foreign", 3, ())


def test_a_server_that_returns_everybody_is_stopped(server: FhirServer, connect: Connect, options: Options) -> None:
    """X-07: a parameter that a server does not know makes it return every patient."""
    server.faults.set("everybody", 1.0)
    client = connect(server.url, options=options)
    with pytest.raises(FhirRefused, match="patients who were not asked for"):
        client.find(ORDINARY[:3], region=REGION)
    assert client.take_calls()["page"] <= 1


def test_a_few_patients_who_were_not_asked_for_are_left_out(peer: HTTPServer, connect: Connect) -> None:
    answer(peer, searchset(patient("a", "3301"), patient("b", "9999"), patient("c", "3301 ")))
    client = connect(peer.url_for("/fhir"), options=WAYS["or-search"])
    [found] = client.find(["3301"], region=REGION)["3301"].patients
    assert found.id == "a"
    assert client.take_calls()["strangers"] == 2


@pytest.mark.parametrize("value", ["a,b", "a|b", "a$b", "a\\b", "ä&b=c%7C+d", "x" * 200])
def test_a_value_with_a_separator_is_one_value(connect: Connect, options: Options, value: str) -> None:
    with FhirServer([patient("it", value), patient("a", "a"), patient("b", "b")]) as served:
        found = connect(served.url, options=options).find([value, "a"], region=REGION)
    assert [one.id for one in found[value].patients] == ["it"]
    assert [one.id for one in found["a"].patients] == ["a"]


def test_every_page_is_read(connect: Connect, options: Options) -> None:
    with FhirServer([patient(f"p{number:02d}", "3301") for number in range(23)]) as served:
        served.shape.page_size = 5
        found = connect(served.url, options=options).find(["3301"], region=REGION)["3301"]
    assert [one.id for one in found.patients] == [f"p{number:02d}" for number in range(23)]


@pytest.mark.parametrize("kind", ["bad_next", "next_loop"])
def test_a_next_link_to_elsewhere_or_in_a_circle_fails_the_value(connect: Connect, options: Options, kind: str) -> None:
    """What is on the pages that are missing is not known, so nothing of the value is."""
    with FhirServer([patient(f"p{number}", "3301") for number in range(3)]) as served:
        served.faults.set(kind, 1.0)
        found = connect(served.url, options=options).find(["3301"], region=REGION)["3301"]
    assert (found.outcome, found.fault, found.patients) == ("failed", "next_link", ())


def test_what_is_included_is_no_match(peer: HTTPServer, connect: Connect) -> None:
    bundle = searchset(patient("a", "3301"))
    bundle["entry"] += [
        {"resource": patient("b", "3301"), "search": {"mode": "include"}},
        {"resource": {"resourceType": "OperationOutcome"}, "search": {"mode": "outcome"}},
    ]
    answer(peer, bundle)
    client = connect(peer.url_for("/fhir"), options=WAYS["or-search"])
    assert [one.id for one in client.find(["3301"], region=REGION)["3301"].patients] == ["a"]


def test_an_answer_of_another_length_is_asked_for_again(client: FhirClient, server: FhirServer) -> None:
    server.faults.next("entry_missing", 2)
    found = client.find(ORDINARY, region=REGION)
    assert {one.outcome for one in found.values()} == {"found"}
    assert client.take_calls()["retries"] == 2


def test_entries_that_fail_are_asked_for_again_alone(client: FhirClient, server: FhirServer) -> None:
    server.faults.next("entry429", 3)
    server.faults.next("entry500", 2)
    assert {one.outcome for one in client.find(ORDINARY, region=REGION).values()} == {"found"}
    assert client.take_calls()["entries"] > len(ORDINARY)


def test_a_server_without_batch_is_asked_one_by_one(connect: Connect) -> None:
    with FhirServer(hospital_of()) as served:
        served.shape.batch = False
        served.latency_ms = 20
        client = connect(served.url, options=replace(FAST, connections=4))
        assert {one.outcome for one in client.find(ORDINARY, region=REGION).values()} == {"found"}
        calls = client.take_calls()
        assert (calls["lookup_batch"], calls["lookup"], calls["requests"]) == (1, 40, 41)
        assert 1 < served.traffic.max_in_flight <= 4


@pytest.mark.parametrize("status", [403, 404, 405, 501])
def test_a_refusal_of_batches_is_believed_until_one_has_worked(peer: HTTPServer, connect: Connect, status: int) -> None:
    """After that it is a fault of the line: what was written already must not be sent again."""
    peer.expect_ordered_request("/fhir", method="POST").respond_with_data("", status=status)
    peer.expect_ordered_request("/fhir/Patient/_search").respond_with_json(searchset(patient("a", "3301")))
    client = connect(peer.url_for("/fhir"))
    assert client.find(["3301"], region=REGION)["3301"].outcome == "found"
    other = connect(peer.url_for("/fhir"))
    one = {"resourceType": "Bundle", "entry": [{"response": {"status": "200"}, "resource": searchset()}]}
    peer.expect_ordered_request("/fhir", method="POST").respond_with_json(one)
    peer.expect_ordered_request("/fhir", method="POST").respond_with_data("", status=status)
    assert other.find(["3301"], region=REGION)["3301"].outcome == "none"
    assert other.find(["3301"], region=REGION)["3301"].fault == f"http_{status}"


def test_after_a_refusal_the_rest_is_not_asked(peer: HTTPServer, connect: Connect) -> None:
    peer.expect_request("/fhir/Patient/_search").respond_with_data("", status=403)
    client = connect(peer.url_for("/fhir"), options=replace(FAST, batch=False, connections=2))
    with pytest.raises(FhirRefused):
        client.find([f"x{number}" for number in range(200)], region=REGION)
    assert len(peer.log) < 50


def test_an_empty_system_is_refused(connect: Connect) -> None:
    with pytest.raises(FhirRefused, match="FHIR_IDENTIFIER_SYSTEM is empty"):
        connect("http://127.0.0.1:1/fhir", system=" ")
