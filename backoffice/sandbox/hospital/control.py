"""POST /control: one JSON object of orders, carried out in the order below; the answer is the state after them.

    {"clear": true,                          no faults any more
     "faults": {"http429": "1%", "block:E1": "BLOCK_REJECTED"},
     "next": {"drop_after_write": 1},        the next occasion only
     "latency_ms": 20, "slow_seconds": 5,
     "cancel_session": "S-…",
     "put": {"table": "cost_centers", "row": {"id": "CC-1", "department_id": "D-1", "active": "true"}},
     "reset_counts": true,
     "list": ["sessions_written", "keys_received"]}

An empty object changes nothing. Without "list" the answer holds these two as numbers.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from backoffice.sandbox.control import BadControl, carry_out, clear, set_faults, set_latency, set_next, set_slow_seconds
from backoffice.sandbox.faults import Faults
from backoffice.sandbox.hospital.records import ServiceSession
from backoffice.sandbox.traffic import Traffic


class Controlled(Protocol):
    """The part of a hospital that can be told to behave differently."""

    faults: Faults
    latency_ms: float
    traffic: Traffic

    def sessions_written(self) -> list[ServiceSession]: ...
    def cancel_session(self, session_id: str) -> None: ...
    def put(self, table: str, row: Mapping[str, str]) -> None: ...


def control(hospital: Controlled, orders: Any) -> dict[str, Any]:
    """Carry out `orders` and return the state. Raises BadControl."""
    carry_out(hospital, orders, _ORDERS)
    listed = orders.get("list", [])
    if not isinstance(listed, list):
        raise BadControl("list: names in a list are expected")
    return state(hospital, listed)


def state(hospital: Controlled, listed: list[Any]) -> dict[str, Any]:
    """What the hospital has seen and how it misbehaves."""
    traffic, written = hospital.traffic, hospital.sessions_written()
    return {
        "faults": hospital.faults.as_dict(),
        "fired": dict(hospital.faults.fired),
        "latency_ms": hospital.latency_ms,
        "slow_seconds": hospital.faults.slow_seconds,
        "calls": dict(traffic.calls),
        "requests": traffic.requests,
        "max_in_flight": traffic.max_in_flight,
        "sessions_written": [_session(one) for one in written] if "sessions_written" in listed else len(written),
        "keys_received": list(traffic.keys_received) if "keys_received" in listed else len(traffic.keys_received),
    }


def _session(session: ServiceSession) -> dict[str, Any]:
    return {**session._asdict(), "services": [service._asdict() for service in session.services]}


def _cancel_session(hospital: Controlled, session_id: Any) -> None:
    hospital.cancel_session(session_id)


def _put(hospital: Controlled, order: Any) -> None:
    hospital.put(order["table"], order["row"])


def _reset_counts(hospital: Controlled, wanted: Any) -> None:
    if wanted:
        hospital.traffic.reset()


_ORDERS: Final[Mapping[str, Callable[[Controlled, Any], None]]] = {
    "clear": clear,
    "faults": set_faults,
    "next": set_next,
    "latency_ms": set_latency,
    "slow_seconds": set_slow_seconds,
    "cancel_session": _cancel_session,
    "put": _put,
    "reset_counts": _reset_counts,
}
