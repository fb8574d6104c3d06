"""A number is written only to the patient that was read, and of each write it is known what became of it."""

import json
from dataclasses import replace
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from backoffice.adapters.fhir import Change, FhirClient, Options, Patient, Written
from backoffice.sandbox.fhir import FhirServer
from tests.fhir.world import (
    DUPLICATE,
    FAST,
    NO_PHONE,
    NUMBER,
    ORDINARY,
    REGION,
    RICH,
    Connect,
    Json,
    but_telecom,
    change,
    everyone,
    hospital_of,
    mobile,
    patient,
    put,
    snapshot,
)

WAYS = {
    "put": FAST,
    "json-patch": replace(FAST, method="json-patch"),
    "fhirpath-patch": replace(FAST, method="fhirpath-patch"),
    "put, one by one": replace(FAST, batch=False),
    "json-patch, one by one": replace(FAST, batch=False, method="json-patch"),
    "fhirpath-patch, one by one": replace(FAST, batch=False, method="fhirpath-patch"),
}


@pytest.fixture(params=list(WAYS))
def options(request: pytest.FixtureRequest) -> Options:
    return WAYS[request.param]


@pytest.fixture
def rich(client: FhirClient) -> Patient:
    """The patient with the most elements."""
    [found] = everyone(client, [RICH])
    return found


def test_the_numbers_change_and_nothing_else_does(server: FhirServer, connect: Connect, options: Options) -> None:
    """S1-14: every match is updated. Order, decimals and what FHIR does not know come back as they were."""
    client = connect(server.url, options=options)
    before = snapshot(server.store)
    patients = everyone(client, [*ORDINARY, DUPLICATE, NO_PHONE, RICH])
    assert len(patients) == 44
    written = put(client, change(patients))
    assert {one.outcome for one in written} == {"written"}
    assert {one.version for one in written} == {"2"}
    after = snapshot(server.store)
    assert {key: but_telecom(one) for key, one in after.items()} == {
        key: but_telecom(one) for key, one in before.items()
    }
    changed = {one.id for one in patients}
    assert {mobile(after[key]) for key in changed} == {NUMBER}
    assert all(after[key] == before[key] for key in before.keys() - changed)


@pytest.mark.slow
def test_a_decimal_comes_back_with_its_digits(server: FhirServer, client: FhirClient, rich: Patient) -> None:
    put(client, change([rich]))
    assert server.store.read(rich.id)["extension"][0]["valueDecimal"] == "\x00-7.4100"  # type: ignore[index]


def test_a_patient_that_another_changed_is_a_conflict_and_stays(
    server: FhirServer, connect: Connect, options: Options
) -> None:
    client = connect(server.url, options=options)
    first, second = everyone(client, ORDINARY[:2])
    server.store.put({**first.resource, "gender": "other"}, ours=False)
    written = put(client, change([first, second]))
    assert written == [Written(outcome="conflict", code="http_412_conflict"), Written(outcome="written", version="2")]
    assert server.store.read(first.id)["gender"] == "other"  # type: ignore[index]
    again = client.read([first.id], region=REGION)[first.id].patient
    assert again is not None
    assert put(client, change([again])) == [Written(outcome="written", version="3")]


def test_a_change_is_undone_by_the_telecom_before_it(server: FhirServer, connect: Connect, options: Options) -> None:
    client = connect(server.url, options=options)
    patients = everyone(client, [RICH, NO_PHONE])
    bare = patient("bare")
    del bare["telecom"]
    server.store.put(bare)
    patients += [one for one in [client.read(["bare"], region=REGION)["bare"].patient] if one]
    before = snapshot(server.store)
    put(client, change(patients))
    now = client.read([one.id for one in patients], region=REGION)
    undone = put(client, [undo(one, now[one.id].patient) for one in patients])
    assert {one.outcome for one in undone} == {"written"}
    for key, one in snapshot(server.store).items():
        assert (one.get("telecom"), but_telecom(one)) == (before[key].get("telecom"), but_telecom(before[key]))


@pytest.mark.parametrize("batch", [True, False])
def test_a_json_patch_is_safe_where_the_server_takes_no_notice_of_if_match(
    server: FhirServer, connect: Connect, batch: bool
) -> None:
    """As Medplum's does: the patch tests telecom itself."""
    server.shape.if_match_in_patch = False
    client = connect(server.url, options=replace(FAST, batch=batch, method="json-patch"))
    first, second, third = everyone(client, ORDINARY[:3])
    moved = {**first.resource, "telecom": [{"system": "phone", "use": "mobile", "value": "+62899"}]}
    server.store.put(moved, ours=False)
    server.store.put({**second.resource, "gender": "other"}, ours=False)
    wrong = Change(patient=third, resource={**third.resource, "telecom": [{"value": "0811"}]})
    assert [(one.outcome, one.code) for one in put(client, [*change([first, second]), wrong])] == [
        ("conflict", "http_422_processing"),
        ("written", ""),
        ("refused", "http_422_invariant"),
    ]
    assert mobile(server.store.read(first.id) or {}) == "+62899"
    kept = server.store.read(second.id) or {}
    assert (mobile(kept), kept["gender"]) == (NUMBER, "other")


def undo(before: Patient, now: Patient | None) -> Change:
    assert now is not None
    resource = {name: value for name, value in now.resource.items() if name != "telecom"}
    telecom = {"telecom": before.resource["telecom"]} if "telecom" in before.resource else {}
    return Change(patient=now, resource={**resource, **telecom})


def test_part_of_a_patient_is_never_put(server: FhirServer, client: FhirClient) -> None:
    server.faults.set("subsetted", 1.0)
    [one] = everyone(client, ORDINARY[:1])
    assert put(client, change([one])) == [Written(outcome="refused", code="subsetted")]
    assert server.calls["PUT Patient"] == 0


def test_a_patient_without_a_version_is_never_put(server: FhirServer, client: FhirClient) -> None:
    server.shape.versions = False
    [one] = everyone(client, ORDINARY[:1])
    assert put(client, change([one])) == [Written(outcome="refused", code="no_version")]
    assert server.calls["PUT Patient"] == 0


def test_a_refusal_is_told_by_status_and_issue_alone(client: FhirClient, server: FhirServer) -> None:
    """OperationOutcome diagnostics are patient data."""
    one, other = everyone(client, ORDINARY[:2])
    wrong = Change(patient=one, resource={**one.resource, "telecom": [{"value": "0811-secret"}]})
    assert put(client, [wrong, *change([other])]) == [
        Written(outcome="refused", code="http_422_invariant"),
        Written(outcome="written", version="2"),
    ]


def test_nothing_to_write_takes_no_request(client: FhirClient) -> None:
    assert put(client, []) == []
    assert client.find([], region=REGION) == {}
    assert client.read([], region=REGION) == {}
    assert client.take_calls()["requests"] == 0


def test_a_patient_who_is_gone_is_told(client: FhirClient, server: FhirServer) -> None:
    keys = server.store.everybody()[:1]
    found = client.read([*keys, "nobody"], region=REGION)
    assert (found["nobody"].patient, found["nobody"].code) == (None, "gone")
    assert found[keys[0]].patient is not None
    with pytest.raises(ValueError, match="not an id"):
        client.read(["../Observation"], region=REGION)


@pytest.mark.parametrize("fault", ["drop_after_write", "html"])
def test_a_write_without_an_answer_is_unknown_and_not_sent_again(
    server: FhirServer, connect: Connect, options: Options, fault: str
) -> None:
    """X-08: what timed out or broke off may have been done; read again and compare."""
    client = connect(server.url, options=options)
    patients = everyone(client, ORDINARY[:3])
    server.faults.set(fault, 1.0)
    assert put(client, change(patients)) == [Written(outcome="unknown", code="unanswered")] * 3
    server.faults.clear()
    read = client.read([one.id for one in patients], region=REGION)
    numbers = {mobile(one.patient.resource) for one in read.values() if one.patient}
    assert (numbers == {NUMBER}) == (fault == "drop_after_write")
    assert server.store.version(patients[0].id) == (2 if fault == "drop_after_write" else 1)


def test_a_write_that_times_out_is_unknown(server: FhirServer, connect: Connect) -> None:
    client = connect(server.url, options=replace(FAST, timeout=0.5))
    patients = everyone(client, ORDINARY[:3])
    server.faults.next("slow")
    assert {one.outcome for one in put(client, change(patients))} == {"unknown"}
    assert server.store.written == []


def test_with_another_number_of_entries_nobody_knows_whose_they_are(server: FhirServer, client: FhirClient) -> None:
    patients = everyone(client, ORDINARY[:5])
    server.faults.next("entry_missing")
    assert {one.outcome for one in put(client, change(patients))} == {"unknown"}
    assert len(server.store.written) == 5


def test_entries_that_were_throttled_are_sent_again(server: FhirServer, client: FhirClient) -> None:
    """S1-19, X-08: a conditional write may be sent again."""
    patients = everyone(client, ORDINARY[:5])
    server.faults.next("entry429", 2)
    assert {one.outcome for one in put(client, change(patients))} == {"written"}
    assert len(server.store.written) == 5


@pytest.mark.parametrize(("status", "outcome"), [("entry429", "failed"), ("entry500", "unknown")])
def test_entries_that_fail_to_the_end_are_told(
    server: FhirServer, client: FhirClient, status: str, outcome: str
) -> None:
    """After 500 nobody knows; 429 says that nothing was done."""
    patients = everyone(client, ORDINARY[:2])
    server.faults.set(status, 1.0)
    assert {one.outcome for one in put(client, change(patients))} == {outcome}
    assert server.store.written == []


def test_a_conflict_after_a_try_that_may_have_worked_is_unknown(peer: HTTPServer, connect: Connect) -> None:
    """X-08: the version may be another because our own first try was carried out."""
    found = Patient(region=REGION, id="a", version="1", whole=True, resource=patient("a"))
    for status, outcome in ((502, "unknown"), (503, "conflict")):
        peer.expect_ordered_request("/fhir/Patient/a", method="PUT").respond_with_data("", status=status)
        peer.expect_ordered_request("/fhir/Patient/a", method="PUT").respond_with_data("", status=412)
        client = connect(peer.url_for("/fhir"), options=replace(FAST, batch=False))
        assert [one.outcome for one in put(client, change([found]))] == [outcome]
        assert peer.log[-1][0].headers["If-Match"] == 'W/"1"'


BATCH_ANSWERS: list[tuple[Any, Written]] = [
    ({"status": "200 OK", "etag": 'W/"7"'}, Written(outcome="written", version="7")),
    ({"status": "200", "location": "http://h/fhir/Patient/a/_history/8"}, Written(outcome="written", version="8")),
    ({"status": "204 No Content"}, Written(outcome="written")),
    ({"status": "200", "location": "http://h/Patient/b"}, Written(outcome="unknown", code="unreadable_answer")),
    ({"status": "409 Conflict"}, Written(outcome="conflict", code="http_409")),
    ({"status": "403"}, Written(outcome="refused", code="http_403")),
    ({"status": "404 Not Found"}, Written(outcome="refused", code="http_404")),
    ({"status": "soon"}, Written(outcome="unknown", code="no_answer")),
    ({}, Written(outcome="unknown", code="no_answer")),
    (None, Written(outcome="unknown", code="no_answer")),
    ("odd", Written(outcome="unknown", code="no_answer")),
]  # fmt: skip


@pytest.mark.parametrize(("response", "expected"), BATCH_ANSWERS)
def test_what_an_entry_says_of_its_write(peer: HTTPServer, connect: Connect, response: Any, expected: Written) -> None:
    bundle = {"resourceType": "Bundle", "type": "batch-response", "entry": [{"response": response}]}
    peer.expect_request("/fhir", method="POST").respond_with_json(bundle)
    found = Patient(region=REGION, id="a", version="1", whole=True, resource=patient("a"))
    assert put(connect(peer.url_for("/fhir")), change([found])) == [expected]


def test_a_change_must_be_of_its_patient(client: FhirClient, rich: Patient) -> None:
    with pytest.raises(ValueError, match="another resource"):
        put(client, [Change(patient=rich, resource={**rich.resource, "id": "other"})])


# --- servers that take less


@pytest.mark.parametrize(
    ("shape", "most"),
    [({"max_entries": 30}, 25), ({"max_entries": 1}, 1), ({"max_entries": 30, "too_large": 403}, 25)],
)
def test_what_is_too_much_is_halved_and_remembered(
    server: FhirServer, client: FhirClient, shape: Json, most: int
) -> None:
    for name, value in shape.items():
        server.shape.set(name, value)
    patients = everyone(client, ORDINARY)
    assert {one.outcome for one in put(client, change(patients))} == {"written"}
    client.take_calls()
    client.read([one.id for one in patients], region=REGION)
    assert client.take_calls()["requests"] == -(-len(patients) // most)


@pytest.mark.parametrize("status", [413, 414, 431])
def test_every_status_of_too_much_halves(server: FhirServer, client: FhirClient, status: int) -> None:
    server.shape.max_entries, server.shape.too_large = 10, status
    assert len(everyone(client, ORDINARY)) == 40


def test_one_that_is_too_large_alone_fails_alone(server: FhirServer, client: FhirClient) -> None:
    patients = everyone(client, ORDINARY[:3])
    server.shape.max_bytes = 2_000
    large = Change(patient=patients[0], resource={**patients[0].resource, "note": "x" * 5_000})
    written = put(client, [large, *change(patients[1:])])
    assert [one.outcome for one in written] == ["failed", "written", "written"]
    assert written[0].code == "too_large"


def test_a_batch_is_limited_by_bytes_as_well(server: FhirServer, connect: Connect) -> None:
    client = connect(server.url, options=replace(FAST, bytes_per_batch=6_000))
    patients = everyone(client, ORDINARY)
    client.take_calls()
    put(client, change(patients))
    calls = client.take_calls()
    assert calls["write_batch"] > 3
    assert calls["bytes_sent"] / calls["write_batch"] < 6_100


def test_a_server_without_batch_is_written_to_one_by_one(connect: Connect) -> None:
    with FhirServer(hospital_of()) as served:
        served.shape.batch = False
        client = connect(served.url)
        patients = everyone(client, ORDINARY)
        assert {one.outcome for one in put(client, change(patients))} == {"written"}
        assert client.take_calls()["write"] == 40
        assert len(served.store.written) == 40


def test_large_numbers_and_odd_texts_are_sent_as_they_came(peer: HTTPServer, connect: Connect) -> None:
    text = '{"resourceType":"Patient","id":"a","x":[1.10,-0.0,1e2,12345678901234567890.123],"y":"\\ud83d \\u0000é"}'
    peer.expect_request("/fhir/Patient/a", method="GET").respond_with_data(text, headers={"ETag": '"5"'})
    peer.expect_request("/fhir/Patient/a", method="PUT").respond_with_data("", headers={"ETag": 'W/"6"'})
    client = connect(peer.url_for("/fhir"), options=replace(FAST, batch=False))
    one = client.read(["a"], region=REGION)["a"].patient
    assert one is not None
    assert put(client, change([one])) == [Written(outcome="written", version="6")]
    request = peer.log[-1][0]
    assert request.headers["If-Match"] == 'W/"5"'
    sent = request.get_data().decode()
    assert '"x":[1.10,-0.0,1e2,12345678901234567890.123]' in sent
    assert json.loads(sent)["y"] == "\ud83d \x00é"
