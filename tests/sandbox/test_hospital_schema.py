"""Queries: the schema's shape, its limits, and the codes its errors carry."""

from pathlib import Path
from typing import Any

import pytest
from graphql import build_schema, print_schema

from backoffice.sandbox.hospital import Hospital
from backoffice.sandbox.hospital.schema import MAX_DOCUMENTS, SDL
from tests.needs import DATA
from tests.sandbox.world import COST_CENTER, LISTING, SESSIONS, Client, client_of

MARCH = {"from": "2026-03-01T00:00:00Z", "to": "2026-04-01T00:00:00Z"}


def codes(answer: dict[str, Any]) -> list[str]:
    return [error["extensions"]["code"] for error in answer["errors"]]


@pytest.mark.acceptance
def test_the_schema_served_is_the_published_one() -> None:
    published = (DATA.parent / "spec" / "hospital.graphql").read_text()
    assert print_schema(build_schema(SDL.read_text())) == print_schema(build_schema(published))


def test_the_listing_is_in_order_of_start_and_id_and_leaves_out_its_end(client: Client) -> None:
    listing = client.data(LISTING, **MARCH | {"to": "2026-03-03T00:00:00Z"}, first=10)["appointments"]
    assert [node["id"] for node in listing["nodes"]] == ["A-1", "A-2", "A-3"]
    assert listing["hasNextPage"] is False


def test_pages_join_without_gap_or_overlap(client: Client) -> None:
    found: list[str] = []
    after = None
    for _ in range(4):
        page = client.data(LISTING, **MARCH, first=1, after=after)["appointments"]
        found += [node["id"] for node in page["nodes"]]
        after = page["endCursor"]
    assert found == ["A-1", "A-2", "A-3", "A-4"]
    assert page["hasNextPage"] is False
    assert client.data(LISTING, **MARCH, first=1, after=after)["appointments"]["nodes"] == []


def test_an_empty_window_has_no_cursor(client: Client) -> None:
    listing = client.data(LISTING, **{"from": "2001-01-01T00:00:00Z", "to": "2001-02-01T00:00:00Z"}, first=1)
    assert listing["appointments"] == {"nodes": [], "endCursor": None, "hasNextPage": False}


def test_every_nullable_field_comes_as_null_and_repeated_activities_stay_apart(client: Client) -> None:
    first, second, third, _ = client.data(LISTING, **MARCH, first=4)["appointments"]["nodes"]
    assert first["activities"] == [{"code": "ECG", "quantity": 1}, {"code": "ECG", "quantity": 2}]
    nulls = {"typeCode", "patientId", "departmentId", "practitionerId", "caseId"}
    assert {name for name, value in second.items() if value is None} == nulls
    assert third["end"] is None


@pytest.mark.parametrize(
    ("moment", "found"),
    [
        ("2026-03-01T09:00:00Z", True),
        ("2026-03-01T10:00:00+01:00", True),
        ("2026-03-01T09:00:00.000Z", True),
        ("2026-03-01T09:00:00.001Z", False),
    ],
)
def test_times_are_compared_as_moments_whatever_their_spelling(client: Client, moment: str, found: bool) -> None:
    listing = client.data(LISTING, **{"from": moment, "to": "2026-03-02T00:00:00Z"}, first=1)["appointments"]
    assert bool(listing["nodes"]) is found


@pytest.mark.parametrize(
    "wrong",
    [
        {"first": 0},
        {"first": 501},
        {"first": "ten"},
        {"after": "no cursor"},
        {"after": "e30="},
        {"from": "2026-03-01"},
        {"from": "2026-03-01T00:00:00"},
        {"from": 7},
        {"to": None},
    ],
    ids=str,
)
def test_a_listing_outside_the_limits_is_a_bad_request_with_status_200(client: Client, wrong: dict[str, Any]) -> None:
    assert codes(client.ask(LISTING, **{**MARCH, "first": 1, **wrong})) == ["BAD_REQUEST"]


def test_500_appointments_may_be_asked_for(client: Client) -> None:
    assert len(client.data(LISTING, **MARCH, first=500)["appointments"]["nodes"]) == 4


def test_sessions_come_with_their_cancelled_services(client: Client) -> None:
    sessions = client.data(SESSIONS, ids=["A-3", "A-1", "A-1", "unknown"])["serviceSessions"]
    assert sessions == [
        {
            "id": "S-1",
            "services": [
                {"blockCode": "B-VISIT", "quantity": 1, "status": "BILLED"},
                {"blockCode": "B-ECG", "quantity": 1, "status": "CANCELLED"},
            ],
        }
    ]


def test_sessions_of_1_to_200_appointments_may_be_asked_for(client: Client) -> None:
    assert client.data(SESSIONS, ids=[str(number) for number in range(200)]) == {"serviceSessions": []}
    assert codes(client.ask(SESSIONS, ids=[])) == ["BAD_REQUEST"]
    assert codes(client.ask(SESSIONS, ids=[str(number) for number in range(201)])) == ["BAD_REQUEST"]


def test_lookups_answer_the_record_or_null(client: Client) -> None:
    found = client.data(
        """{
          configuration: serviceConfiguration(typeCode: "NEW") { typeCode rules { blockCode trigger activityCode } }
          center: costCenter(departmentId: "D-2") { id departmentId active }
          physician: responsiblePhysician(departmentId: "D-1") { id departmentId }
          case(id: "C-1") { id patientId type status }
          block: serviceBlock(code: "B-ECG") { code name status validFrom validTo price allowedCaseTypes }
          any: serviceBlock(code: "B-ANY") { validTo price allowedCaseTypes }
          none: serviceConfiguration(typeCode: "x") { typeCode }
          nobody: responsiblePhysician(departmentId: "D-2") { id }
        }"""
    )
    assert found["configuration"] == {
        "typeCode": "NEW",
        "rules": [
            {"blockCode": "B-VISIT", "trigger": "ALWAYS", "activityCode": None},
            {"blockCode": "B-ECG", "trigger": "PERFORMED", "activityCode": "ECG"},
        ],
    }
    assert found["center"] == {"id": "CC-2", "departmentId": "D-2", "active": False}
    assert found["physician"] == {"id": "PH-1", "departmentId": "D-1"}
    assert found["case"] == {"id": "C-1", "patientId": "P-1", "type": "OUTPATIENT", "status": "OPEN"}
    assert found["block"] == {
        "code": "B-ECG",
        "name": "Electrocardiogram",
        "status": "ACTIVE",
        "validFrom": "2020-01-01",
        "validTo": "2026-03-01",
        "price": "38.50",
        "allowedCaseTypes": [],
    }
    assert found["any"] == {"validTo": None, "price": "1.00", "allowedCaseTypes": ["INPATIENT", "OUTPATIENT"]}
    assert found["none"] is found["nobody"] is None


@pytest.mark.parametrize("query", ["{ nothing }", "{ case(id: ", "{ case }", "mutation { x }", ""])
def test_a_document_that_does_not_fit_the_schema_is_a_bad_request_with_status_200(client: Client, query: str) -> None:
    answer = client.ask(query)
    assert set(codes(answer)) == {"BAD_REQUEST"}
    assert "data" not in answer


def test_another_regions_token_is_refused_with_401(hospital: Hospital) -> None:
    with Client(hospital.url, token="of-another-region") as stranger:
        assert stranger.post(COST_CENTER, id="D-1").status_code == 401
        assert stranger.control().status_code == 401
    assert hospital.calls == {}


def test_calls_are_counted_by_field_an_alias_each(hospital: Hospital, client: Client) -> None:
    client.data('{ a: case(id: "1") { id } b: case(id: "2") { id } costCenter(departmentId: "1") { id } }')
    assert hospital.calls == {"case": 2, "costCenter": 1}
    assert hospital.traffic.requests == 1


@pytest.mark.slow
def test_more_distinct_texts_than_are_remembered_are_answered_all_the_same(client: Client) -> None:
    for number in range(MAX_DOCUMENTS + 2):
        assert client.data(f'{{ a{number}: case(id: "C-1") {{ id }} }}') == {f"a{number}": {"id": "C-1"}}


def test_two_regions_are_two_hospitals_with_tokens_of_their_own(hospital: Hospital, folder: Path) -> None:
    with Hospital(folder, token="second") as second, Client(second.url, token="second") as there:
        assert there.create()["session"]
        assert second.sessions_written()
        assert not hospital.sessions_written()
        with client_of(second) as stranger:
            assert stranger.post(COST_CENTER, id="D-1").status_code == 401
