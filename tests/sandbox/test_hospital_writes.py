"""createServiceSession: one session or none, one key one session, and what a hospital refuses by itself."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from backoffice.sandbox.hospital import Hospital
from tests.sandbox.world import BY_KEY, SESSIONS, Client, services


def test_a_write_is_answered_with_its_session_and_can_be_read_again(hospital: Hospital, client: Client) -> None:
    payload = client.create(services=[{"blockCode": "B-VISIT", "quantity": 2}])
    assert payload["errors"] == []
    assert payload["session"]["services"] == [{"blockCode": "B-VISIT", "quantity": 2, "status": "BILLED"}]
    (read,) = client.data(SESSIONS, ids=["A-3"])["serviceSessions"]
    assert read == {"id": payload["session"]["id"], "services": payload["session"]["services"]}
    (written,) = hospital.sessions_written()
    assert (written.id, written.appointment_id, written.idempotency_key) == (read["id"], "A-3", "k-1")
    assert (written.case_id, written.cost_center_id, written.physician_id) == ("C-1", "CC-1", "PH-1")


def test_the_key_of_a_write_leads_to_its_session_and_an_unknown_key_to_null(client: Client) -> None:
    """[X-20] The way to learn what became of a write that timed out."""
    session = client.create()["session"]
    assert client.data(BY_KEY, key="k-1") == {
        "serviceSessionByIdempotencyKey": {"id": session["id"], "appointmentId": "A-3"}
    }
    assert client.data(BY_KEY, key="other") == {"serviceSessionByIdempotencyKey": None}


def test_the_same_key_answers_with_the_first_session_whatever_else_is_sent(hospital: Hospital, client: Client) -> None:
    first = client.create()
    assert client.create(appointmentId="A-1", services=services("B-OLD")) == first
    assert len(hospital.sessions_written()) == 1
    assert hospital.keys_received == ["k-1", "k-1"]


@pytest.mark.slow
def test_fifty_threads_with_one_key_create_one_session(hospital: Hospital, client: Client) -> None:
    hospital.latency_ms = 50
    with ThreadPoolExecutor(50) as threads:
        payloads = list(threads.map(lambda _: client.create(), range(50)))
    assert {payload["session"]["id"] for payload in payloads} == {hospital.sessions_written()[0].id}
    assert len(hospital.sessions_written()) == 1
    assert hospital.calls["createServiceSession"] == 50
    assert hospital.max_in_flight > 1


def test_fifty_threads_with_a_key_each_bill_a_block_once(hospital: Hospital, client: Client) -> None:
    with ThreadPoolExecutor(50) as threads:
        payloads = list(threads.map(lambda number: client.create(key=f"k-{number}"), range(50)))
    assert len([payload for payload in payloads if payload["session"]]) == 1
    assert {error["code"] for payload in payloads for error in payload["errors"]} == {"BLOCK_ALREADY_BILLED"}


def test_a_closed_case_refuses_the_whole_and_names_no_block(client: Client) -> None:
    assert client.refusals(caseId="C-CLOSED", services=services("B-VISIT", "B-OLD")) == [("CASE_CLOSED", None)]


@pytest.mark.parametrize("code", ["B-NONE", "B-OLD", "B-ECG", "B-WARD"])
def test_a_block_that_is_unknown_retired_out_of_date_or_not_for_the_case_is_not_valid(
    client: Client, code: str
) -> None:
    assert client.refusals(services=services("B-VISIT", code)) == [("BLOCK_NOT_VALID", code)]


def test_a_blocks_first_and_last_day_are_valid(client: Client) -> None:
    assert client.create(key="first day", services=services("B-LATER"))["session"]
    assert client.create(key="last day", appointmentId="A-1", services=services("B-ECG"))["session"]
    assert client.refusals(key="day before", appointmentId="A-1", services=services("B-LATER"))


def test_every_refused_block_is_named_and_nothing_is_written(hospital: Hospital, client: Client) -> None:
    refused = client.refusals(appointmentId="A-1", services=services("B-VISIT", "B-OLD", "B-ANY"))
    assert refused == [("BLOCK_ALREADY_BILLED", "B-VISIT"), ("BLOCK_NOT_VALID", "B-OLD")]
    assert hospital.sessions_written() == []
    assert len(client.data(SESSIONS, ids=["A-1"])["serviceSessions"]) == 1


def test_a_cancelled_service_may_be_billed_again_under_another_key(hospital: Hospital, client: Client) -> None:
    first = client.create()["session"]
    assert client.refusals(key="k-2") == [("BLOCK_ALREADY_BILLED", "B-VISIT")]
    hospital.cancel_session(first["id"])
    assert client.create()["session"]["services"][0]["status"] == "CANCELLED"
    assert client.create(key="k-2")["session"]["services"][0]["status"] == "BILLED"
    statuses = [one["services"][0]["status"] for one in client.data(SESSIONS, ids=["A-3"])["serviceSessions"]]
    assert statuses == ["CANCELLED", "BILLED"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": ""},
        {"appointmentId": "x"},
        {"caseId": "x"},
        {"costCenterId": "x"},
        {"physicianId": "x"},
        {"services": []},
        {"services": [{"blockCode": "B-VISIT", "quantity": 0}]},
    ],
    ids=str,
)
def test_what_the_hospital_does_not_know_fails_validation(client: Client, wrong: dict[str, Any]) -> None:
    assert client.refusals(**wrong) == [("VALIDATION_FAILED", None)]


def test_a_mended_record_is_seen_at_once(hospital: Hospital, client: Client) -> None:
    assert client.refusals(costCenterId="CC-9") == [("VALIDATION_FAILED", None)]
    hospital.put("cost_centers", {"id": "CC-9", "department_id": "D-1", "active": "true"})
    assert client.create(costCenterId="CC-9")["session"]


def test_an_appointment_can_be_added_in_its_place(hospital: Hospital, client: Client) -> None:
    row = dict.fromkeys(("end", "type_code", "patient_id", "department_id", "practitioner_id", "case_id"), "")
    hospital.put("appointments", {**row, "id": "A-0", "start": "2026-03-02T10:00:00Z", "status": "FINISHED"})
    nodes = hospital.store.page("2026-03-01T00:00:00Z", "2026-03-03T00:00:00Z", 9, None).nodes
    assert [node.id for node in nodes] == ["A-1", "A-0", "A-2", "A-3"]


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("service_sessions", {}),
        ("cost_centers", {"id": "CC-1"}),
        ("cost_centers", {"id": "CC-1", "department_id": "D-1", "active": "perhaps"}),
    ],
)
def test_a_record_that_is_none_is_not_put(hospital: Hospital, table: str, row: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"service_blocks|columns|active"):
        hospital.put(table, row)
