"""POST /control: a hospital in another process is told how to behave and asked what it has seen."""

from typing import Any

import httpx2
import pytest

from backoffice.sandbox.hospital import Hospital
from tests.sandbox.world import COST_CENTER, Client


def test_faults_are_set_and_taken_back(hospital: Hospital, client: Client) -> None:
    state = client.control(
        faults={"http429": "1%", "block:B-VISIT": "BLOCK_REJECTED"}, latency_ms=1, slow_seconds=0.1
    ).json()
    assert state["faults"] == {"http429": 0.01, "block:B-VISIT": "BLOCK_REJECTED"}
    assert (state["latency_ms"], state["slow_seconds"]) == (1, 0.1)
    assert client.control(clear=True, faults={"drop": 0.5}).json()["faults"] == {"drop": 0.5}
    assert hospital.faults.as_dict() == {"drop": 0.5}


def test_the_next_write_can_be_let_go_wrong(client: Client) -> None:
    client.control(next={"drop_after_write": 1})
    with pytest.raises(httpx2.RemoteProtocolError):
        client.create()
    assert client.control().json()["fired"] == {"drop_after_write": 1}


def test_counts_are_read_and_reset(client: Client) -> None:
    client.data(COST_CENTER, id="D-1")
    client.create()
    client.create()
    state = client.control().json()
    assert state["calls"] == {"costCenter": 1, "createServiceSession": 2}
    assert (state["requests"], state["max_in_flight"]) == (3, 1)
    assert (state["sessions_written"], state["keys_received"]) == (1, 2)
    state = client.control(reset_counts=True).json()
    assert (state["calls"], state["requests"], state["keys_received"]) == ({}, 0, 0)


def test_sessions_and_keys_are_listed_on_request_and_a_session_is_cancelled(client: Client) -> None:
    session = client.create()["session"]
    state = client.control(cancel_session=session["id"], list=["sessions_written", "keys_received"]).json()
    assert state["keys_received"] == ["k-1"]
    (written,) = state["sessions_written"]
    assert written["idempotency_key"] == "k-1"
    assert written["services"] == [{"block_code": "B-VISIT", "quantity": 1, "status": "CANCELLED"}]


def test_a_master_record_is_mended(client: Client) -> None:
    row = {"id": "CC-2", "department_id": "D-2", "active": "true"}
    assert client.control(put={"table": "cost_centers", "row": row}).status_code == 200
    assert client.data(COST_CENTER, id="D-2") == {"costCenter": {"id": "CC-2", "active": True}}


@pytest.mark.parametrize(
    "orders",
    [
        {"faults": {"http429": 2}},
        {"faults": {"nothing": 1}},
        {"faults": "http429"},
        {"next": {"drop": "often"}},
        {"cancel_session": "unknown"},
        {"put": {"table": "cases"}},
        {"latency_ms": None},
        {"explode": True},
        {"list": 7},
    ],
    ids=str,
)
def test_an_order_that_cannot_be_carried_out_is_a_400_that_names_it(client: Client, orders: dict[str, Any]) -> None:
    refused = client.control(**orders)
    assert refused.status_code == 400
    assert next(iter(orders)) in refused.text
