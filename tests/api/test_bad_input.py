"""Whatever is sent, the answer is one clear line, never a 500."""

import json
from typing import Any

import pytest
from redis import Redis
from rest_framework.test import APIClient

from backoffice.runs.models import Run
from regions.models import Region
from tests.api.conftest import TokenClient, make_missing, make_run
from tests.runs.toy import World

pytestmark = pytest.mark.django_db

RUNS, MISSING = "/api/v1/runs/", "/api/v1/missing-services/"
GOOD = {"job": "recover_services", "region": "north", "parameters": {"days": 7}}

BODIES = [
    b"", b"{", b"null", b"[]", b"1", b'"x"', b"\xff\xfe", b"\x00", b'{"job": "\\u0000"}', b'{"job": "\\ud800"}',
    b'{"\\ud800": 1}', b"[" * 60_000, b'{"a":' * 10_000, b"9" * 5_000, b"NaN", b'{"parameters": Infinity}',
    b'{"job": "recover_services", "region": "north", "parameters": {"days": ' + b"9" * 400 + b"}}",
    b'{"job": "recover_services", "region": "north", "parameters": {"days": 1e400}}',
]  # fmt: skip


@pytest.mark.parametrize("path", [RUNS, MISSING + "{missing}/resolve/"])
@pytest.mark.parametrize("body", BODIES, ids=lambda body: repr(body[:30]))
def test_a_body_that_is_no_request_is_400(body: bytes, path: str, north: Region, api: TokenClient) -> None:
    response = api.post(path.format(missing=make_missing(north).pk), body, content_type="application/json")
    assert response.status_code == 400, response.content[:200]
    assert set(response.json()["error"]) >= {"code", "message"}


@pytest.mark.parametrize("value", [None, True, 5, 1.5, "", " ", "\u0000", "x" * 10_000, [], {}, ["north"], 10**30])
@pytest.mark.parametrize("field", ["job", "region", "parameters"])
def test_a_field_of_the_wrong_type_is_400_with_a_line_for_it(
    field: str, value: Any, north: Region, api: TokenClient
) -> None:
    if (field, value) == ("parameters", {}):
        return
    response = api.post(RUNS, {**GOOD, field: value}, format="json")
    assert response.status_code == 400, response.content
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    "parameters",
    [
        {"days": None}, {"days": "7"}, {"days": 0}, {"days": -1}, {"days": 10**30}, {"days": 1.5}, {"days": True},
        {"from": "2026-01-01"}, {"from": "2026-02-30", "to": "2026-03-01"}, {"from": 5, "to": 6},
        {"from": "0001-01-01", "to": "9999-12-31", "window": -1}, {"days": 7, "window": 0}, {"days": 7, "chunk": 201},
        {"days": 7, "chunk": "10"}, {"days": 7, "mode": "burn"}, {"days": 7, "mode": None}, {"days": 7, "surprise": 1},
        {"days": 7, "from": "2026-01-01", "to": "2026-02-01"}, {"days": [7]}, {"days": {}}, {},
        {"only": None}, {"only": []}, {"only": {}}, {"only": {"rows": []}}, {"only": {"rows": [10**30]}},
        {"only": {"rows": ["1"]}}, {"only": {"rows": [True]}}, {"only": {"rows": [0]}},
        {"only": {"failures_of": 10**30}}, {"only": {"failures_of": None}}, {"only": {"blocked_by": "x"}},
        {"only": {"blocked_by": 5}}, {"only": {"sql": 1}},
    ],
    ids=str,
)  # fmt: skip
def test_parameters_that_no_run_could_have_are_400(parameters: Any, north: Region, api: TokenClient) -> None:
    response = api.post(RUNS, {**GOOD, "parameters": parameters}, format="json")
    assert response.status_code == 400, response.content
    assert list(response.json()["error"]["fields"]) == ["parameters"]
    assert not Run.objects.exists()


def test_every_problem_has_its_line(api: TokenClient) -> None:
    error = api.post(RUNS, {"job": "dance", "parameters": 1, "colour": "red"}, format="json").json()["error"]
    assert list(error["fields"]) == ["colour"]
    error = api.post(RUNS, {"job": "dance", "parameters": 1}, format="json").json()["error"]
    assert set(error["fields"]) == {"job", "region", "parameters"}
    assert error["message"] == "3 problems; see fields."


def test_a_body_that_is_too_long_is_413(api: TokenClient) -> None:
    response = api.post(RUNS, json.dumps({**GOOD, "region": "x" * 70_000}), content_type="application/json")
    assert response.status_code == 413
    assert response.json()["error"]["code"] == "too_large"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_a_body_that_is_no_json_is_415(kind: str, api: TokenClient) -> None:
    assert api.post(RUNS, b"job=x", content_type=kind).status_code == 415


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=501", "limit=-1", "limit=x", "limit=1.0", "limit=%D9%A3", "limit=", "limit=1&limit=2",
        "limit=" + "9" * 5_000, "surprise=1", "status=", "status=burning", "region=", "region=%00", "cursor=%00",
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", [RUNS, MISSING])
def test_a_query_that_is_not_understood_is_400(path: str, query: str, api: TokenClient) -> None:
    response = api.get(f"{path}?{query}")
    assert response.status_code == 400, response.content
    assert response.json()["error"]["fields"]


@pytest.mark.parametrize(
    "query",
    [
        "min_at_stake=-1", "min_at_stake=NaN", "min_at_stake=1e400", "min_at_stake=Infinity", "min_at_stake=0.001",
        "min_at_stake=" + "9" * 14, "from=2026-02-30", "from=today", "to=20260101", "to=2026-1-1", "from=0000-01-01",
        "ordering=patient_id", "ordering=--priority", "blocked_by=%00", "assignee=" + "x" * 151,
    ],
)  # fmt: skip
def test_a_filter_that_is_not_understood_is_400(query: str, api: TokenClient) -> None:
    response = api.get(f"{MISSING}?{query}")
    assert response.status_code == 400, response.content


@pytest.mark.parametrize("query", ["from=0001-01-01", "to=9999-12-31", "min_at_stake=9999999999999.99"])
def test_the_widest_filters_that_there_are_work(query: str, north: Region, api: TokenClient) -> None:
    make_missing(north)
    assert api.get(f"{MISSING}?{query}").status_code == 200


@pytest.mark.parametrize("cursor", ["x", "Ö", "a:b", "W10:x", "x" * 300])
def test_a_cursor_of_nobody_is_a_page_that_is_not_there(cursor: str, api: TokenClient) -> None:
    assert api.get(RUNS, {"cursor": cursor}).status_code == 404


def test_a_cursor_of_another_ordering_is_a_page_that_is_not_there(north: Region, api: TokenClient) -> None:
    for _ in range(2):
        make_missing(north)
    url = api.get(MISSING, {"limit": 1}).json()["next"]
    assert api.get(url).status_code == 200
    assert api.get(url + "&ordering=start").status_code == 404


@pytest.mark.parametrize("number", ["0", "999999999999999999", "9" * 19, "9" * 500, "-1", "x", "1.5", "%00"])
@pytest.mark.parametrize("path", [RUNS, MISSING])
def test_a_number_that_nothing_has_is_404_in_the_same_shape(path: str, number: str, api: TokenClient) -> None:
    response = api.get(f"{path}{number}/")
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_found"


@pytest.mark.parametrize(
    "path", ["/api/", "/api/v1/", "/api/v1/runs", "/api/v2/runs/", "/api/v1/%00/", "/api/v1/runs/%0A/"]
)
def test_a_path_that_is_not_there_says_so_in_the_same_shape(path: str) -> None:
    client = APIClient(enforce_csrf_checks=True)
    for response in (client.get(path), client.post(path, {}, format="json")):
        assert response.status_code == 404
        assert "slash" in response.json()["error"]["message"]


def test_a_tag_that_is_no_etag_is_no_error(north: Region, api: TokenClient) -> None:
    url = f"{RUNS}{make_run(north).pk}/"
    for tag in ("x", '"', "*", 'W/"x", "y"', "\x7f"):
        assert api.get(url, HTTP_IF_NONE_MATCH=tag).status_code in {200, 304}


def test_what_nobody_expected_is_a_500_in_the_same_shape_that_tells_nothing(
    world: World, queue: Redis, north: Region, api: TokenClient
) -> None:
    """A job that does not know into how many parts it falls is our own mistake, not the caller's."""
    world.partitions = "secret"  # type: ignore[assignment]
    api.raise_request_exception = False
    response = api.post(RUNS, {"job": "three", "region": "north", "parameters": {}}, format="json")
    assert response.status_code == 500
    assert response.json()["error"]["code"] == "internal"
    assert "secret" not in response.content.decode()
    assert not Run.objects.exists()
