"""The sandbox FHIR server speaks FHIR R4: versions, searches, pages, batches, patches and tokens."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from backoffice.sandbox.fhir import SYSTEM, FhirServer, Shape, generate
from backoffice.sandbox.fhir.patients import SPECIAL, nik

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
Json = dict[str, Any]


def patient(key: str, *values: str, **changes: Any) -> Json:
    identifiers = [{"system": SYSTEM, "value": value} for value in values or (key,)]
    return {"resourceType": "Patient", "id": key, "identifier": identifiers, **changes}


@pytest.fixture
def server() -> Iterator[FhirServer]:
    """Three patients; b and c share a value."""
    with FhirServer([patient("a"), patient("b", "b", "x"), patient("c", "c", "x", active=False)]) as served:
        yield served


@pytest.fixture
def http(server: FhirServer) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=f"{server.url}/", timeout=10, trust_env=False) as client:
        yield client


def ids(bundle: Json) -> list[str]:
    return [entry["resource"]["id"] for entry in bundle.get("entry", []) if entry["search"]["mode"] == "match"]


def issue(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["issue"][0]["code"]


def batch(*requests: tuple[str, str], **more: Any) -> Json:
    entries = [{"request": {"method": method, "url": url}, **more} for method, url in requests]
    return {"resourceType": "Bundle", "type": "batch", "entry": entries}


def test_every_write_is_a_version_and_an_old_one_stays(http: httpx2.Client) -> None:
    assert http.get("Patient/a").headers["ETag"] == 'W/"1"'
    answer = http.put("Patient/a", json=patient("a", gender="other"), headers={"If-Match": 'W/"1"'})
    assert (answer.status_code, answer.headers["ETag"]) == (200, 'W/"2"')
    assert http.get("Patient/a").json()["gender"] == "other"
    assert "gender" not in http.get("Patient/a/_history/1").json()
    assert issue(http.get("Patient/a/_history/3")) == (404, "not-found")
    assert http.put("Patient/new", json=patient("new")).status_code == 201


@pytest.mark.parametrize("if_match", ['W/"2"', '"0"', "nonsense"])
def test_a_write_for_another_version_is_refused(http: httpx2.Client, server: FhirServer, if_match: str) -> None:
    assert issue(http.put("Patient/a", json=patient("a"), headers={"If-Match": if_match})) == (412, "conflict")
    assert server.store.written == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"{", (400, "structure")),
        (b'{"x": "\\u0000"}', (400, "structure")),
        (b'{"resourceType": "Observation", "id": "a"}', (400, "structure")),
        (b'{"resourceType": "Patient", "id": "b"}', (400, "invalid")),
        (b'{"resourceType": "Patient", "id": "a", "telecom": [{}]}', (422, "structure")),
        (b'{"resourceType": "Patient", "id": "a", "telecom": [{"value": "0811"}]}', (422, "invariant")),
    ],
)
def test_what_is_no_patient_is_refused(http: httpx2.Client, body: bytes, expected: tuple[int, str]) -> None:
    assert issue(http.put("Patient/a", content=body)) == expected


def test_decimals_come_back_as_they_were_written(http: httpx2.Client) -> None:
    http.put("Patient/a", content=b'{"resourceType":"Patient","id":"a","x":[1.10,-0.0,1e2,7]}')
    assert '"x":[1.10,-0.0,1e2,7]' in http.get("Patient/a").text


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (f"identifier={SYSTEM}|a", ["a"]),
        (f"identifier={SYSTEM}|x", ["b", "c"]),
        (f"identifier={SYSTEM}|a,{SYSTEM}|x", ["a", "b", "c"]),
        ("identifier=a", ["a"]),
        ("identifier=https://elsewhere|a", []),
        ("identifier=|a", []),
        (f"identifier={SYSTEM}|a&identifier={SYSTEM}|x", []),
        ("_id=a,c,nobody", ["a", "c"]),
        ("", ["a", "b", "c"]),
        # A parameter that is mistyped is left out, as many servers do: everybody comes back.
        (f"identifer={SYSTEM}|a", ["a", "b", "c"]),
    ],
)
def test_a_search_finds(http: httpx2.Client, query: str, expected: list[str]) -> None:
    assert ids(http.get(f"Patient?{query}").json()) == expected
    assert ids(http.post("Patient/_search", content=query or "x=", headers=FORM).json()) == expected


def test_who_asks_for_it_is_told_of_unknown_parameters(http: httpx2.Client) -> None:
    assert issue(http.get("Patient?identifer=a", headers={"Prefer": "handling=strict"})) == (400, "not-supported")


def test_pages_follow_each_other_by_opaque_links(http: httpx2.Client, server: FhirServer) -> None:
    server.shape.page_size = 2
    first = http.get("Patient").json()
    [link] = [link["url"] for link in first["link"] if link["relation"] == "next"]
    assert (ids(first), first["total"]) == (["a", "b"], 3)
    second = http.get(link).json()
    assert (ids(second), [link["relation"] for link in second["link"]]) == (["c"], ["self"])
    assert issue(http.get(f"{server.url}?_page=none")) == (410, "expired")
    assert http.get("Patient?_count=5").json()["total"] == 3
    assert http.get("Patient?_summary=count").json() == {"resourceType": "Bundle", "type": "searchset", "total": 3}
    assert issue(http.get("Patient?_count=many")) == (400, "value")


def test_a_batch_answers_each_entry_at_its_place(http: httpx2.Client) -> None:
    bundle = batch(("GET", "Patient/a"), ("GET", "Patient/nobody"), ("GET", f"Patient?identifier={SYSTEM}|x"))
    bundle["entry"] += [
        {"request": {"method": "PUT", "url": "Patient/a", "ifMatch": 'W/"1"'}, "resource": patient("a")},
        {"request": {"method": "PUT", "url": "Patient/a", "ifMatch": 'W/"1"'}, "resource": patient("a")},
        {"request": {"method": "DELETE", "url": "Patient/a"}},
        {},
    ]
    answer = http.post("", json=bundle, headers={"Prefer": "return=minimal"}).json()
    statuses = [entry["response"]["status"][:3] for entry in answer["entry"]]
    assert statuses == ["200", "404", "200", "200", "412", "404", "400"]
    assert ids(answer["entry"][2]["resource"]) == ["b", "c"]
    assert answer["entry"][3]["response"]["etag"] == 'W/"2"'
    assert "resource" not in answer["entry"][3]


@pytest.mark.parametrize(
    ("bundle", "expected"),
    [
        ({"resourceType": "Bundle", "type": "transaction"}, (400, "invalid")),
        ({"resourceType": "Bundle", "type": "batch", "entry": {}}, (400, "structure")),
        (batch(*[("GET", "Patient/a")] * 4), (413, "too-costly")),
        (batch(("GET", "x" * 3000)), (413, "too-costly")),
    ],
)
def test_what_is_no_batch_or_too_large_a_one_is_refused(
    http: httpx2.Client, server: FhirServer, bundle: Json, expected: tuple[int, str]
) -> None:
    server.shape.max_entries, server.shape.max_bytes = 3, 2000
    assert issue(http.post("", json=bundle)) == expected


def test_a_server_may_know_neither_batch_nor_patch_nor_versions(http: httpx2.Client, server: FhirServer) -> None:
    server.shape.batch = server.shape.patch = server.shape.versions = False
    assert issue(http.post("", json=batch(("GET", "Patient/a")))) == (400, "not-supported")
    assert issue(http.patch("Patient/a", json=[])) == (405, "not-supported")
    answer = http.get("Patient/a")
    assert "versionId" not in answer.json()["meta"]
    assert "ETag" not in answer.headers


def json_patch(*operations: Json) -> Json:
    data = base64.b64encode(json.dumps(operations).encode()).decode()
    return {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": data}


def fhirpath(*parts: Json) -> Json:
    operations = [
        {"name": "operation", "part": [{"name": name, **value} for name, value in one.items()]} for one in parts
    ]
    return {"resourceType": "Parameters", "parameter": operations}


DELETE = {"type": {"valueCode": "delete"}, "path": {"valueString": "Patient.identifier[0]"}}
ADD = {"type": {"valueCode": "add"}, "path": {"valueString": "Patient"}, "name": {"valueString": "telecom"}}


@pytest.mark.parametrize(
    ("patch", "expected"),
    [
        (json_patch({"op": "add", "path": "/gender", "value": "other"}), {"gender": "other"}),
        (json_patch({"op": "replace", "path": "/identifier/0/value", "value": "z"}), {"identifier": "z"}),
        (json_patch({"op": "remove", "path": "/identifier"}), {"identifier": None}),
        (json_patch({"op": "test", "path": "/id", "value": "b"}), 422),
        (json_patch({"op": "replace", "path": "/gender", "value": "other"}), 422),
        (json_patch({"op": "move", "path": "/gender"}), 422),
        ({"resourceType": "Binary"}, 400),
        ({"resourceType": "Patient"}, 415),
        (fhirpath(DELETE), {"identifier": None}),
        (fhirpath({**ADD, "value": {"valueContactPoint": {"system": "sms"}}}), {"telecom": [{"system": "sms"}]}),
        (fhirpath(DELETE, DELETE), 422),
        (fhirpath({**DELETE, "type": {"valueCode": "move"}}), 422),
    ],
)
def test_a_patch_changes_what_it_names(http: httpx2.Client, patch: Json, expected: Any) -> None:
    answer = http.patch("Patient/a", json=patch)
    if isinstance(expected, int):
        assert answer.status_code == expected
        return
    now = http.get("Patient/a").json()
    if isinstance(now.get("identifier"), list):
        now["identifier"] = now["identifier"][0]["value"]
    assert {name: now.get(name) for name in expected} == expected
    assert now["meta"]["versionId"] == "2"


def test_tokens_are_asked_for_and_end() -> None:
    clients = {"a:b": "s/ecret"}
    guarded = FhirServer([patient("a")], token="fixed", clients=clients, shape=Shape(token_seconds=30))
    with guarded as served, httpx2.Client(timeout=10, trust_env=False) as http:
        assert issue(http.get(f"{served.url}/Patient/a")) == (401, "login")
        basic = base64.b64encode(b"a%3Ab:s%2Fecret").decode()
        form = {"grant_type": "client_credentials"}
        given = http.post(served.token_url, data=form, headers={"Authorization": f"Basic {basic}"}).json()
        assert given["expires_in"] == 30
        bearer = {"Authorization": f"bearer {given['access_token']}"}
        assert http.get(f"{served.url}/Patient/a", headers=bearer).status_code == 200
        served.tokens.revoke()
        assert http.get(f"{served.url}/Patient/a", headers=bearer).status_code == 401
        fixed = {"Authorization": "Bearer fixed"}
        assert http.get(f"{served.url}/Patient/a", headers=fixed).status_code == 200
        both = {**form, "client_id": "a:b", "client_secret": "s/ecret"}
        assert http.post(served.token_url, data=both).status_code == 200
        wrong = {**both, "client_secret": "x"}
        assert http.post(served.token_url, data=wrong).json() == {"error": "invalid_client"}
        assert http.post(served.token_url, data={"grant_type": "password"}).status_code == 400
        assert served.tokens.issued == 2


def test_made_up_patients_hold_each_kind_and_are_the_same_for_the_same_seed() -> None:
    first, again, other = list(generate(100)), list(generate(100)), list(generate(100, seed=2))
    assert first == again
    assert not {one["id"] for one in first} & {one["id"] for one in other}
    assert len({nik(1, number) for number in range(100_000)}) == 100_000
    assert len(first) == 100 + 2 * 2  # twice a twin, twice who another was merged into
    assert sum(one.get("active") is False for one in first) == 2
    assert SPECIAL == ("duplicate", "foreign", "merged", "inactive", "no_phone", "rich")
