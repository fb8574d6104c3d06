"""POST /control: one JSON object of orders, carried out in the order below; the answer is the state after them.

{"clear": true,                          no faults any more
 "faults": {"http429": "1%"},
 "next": {"drop_after_write": 1},        the next occasion only
 "shape": {"batch": false},              see shape.py
 "latency_ms": 20, "slow_seconds": 5,
 "put": {"resourceType": "Patient", …},  as staff would; not among the written ones
 "revoke": true,                         every token that was granted is bad
 "reset_counts": true,
 "list": ["written"]}                    [id, version] of each write; without it their number
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from backoffice.sandbox.control import carry_out, clear, set_faults, set_latency, set_next, set_slow_seconds
from backoffice.sandbox.faults import Faults
from backoffice.sandbox.fhir.shape import Shape
from backoffice.sandbox.fhir.store import Store
from backoffice.sandbox.fhir.tokens import Tokens
from backoffice.sandbox.traffic import Traffic


class Controlled(Protocol):
    """The part of a FHIR server that can be told to behave differently."""

    faults: Faults
    shape: Shape
    store: Store
    tokens: Tokens
    traffic: Traffic
    latency_ms: float


def control(server: Controlled, orders: Any) -> dict[str, Any]:
    """Carry out `orders` and return the state. Raises BadControl."""
    carry_out(server, orders, _ORDERS)
    return _state(server, written="written" in orders.get("list", []))


def _state(server: Controlled, *, written: bool) -> dict[str, Any]:
    return {
        "faults": server.faults.as_dict(),
        "fired": dict(server.faults.fired),
        "shape": vars(server.shape),
        "latency_ms": server.latency_ms,
        "slow_seconds": server.faults.slow_seconds,
        "calls": dict(server.traffic.calls),
        "requests": server.traffic.requests,
        "max_in_flight": server.traffic.max_in_flight,
        "tokens_issued": server.tokens.issued,
        "patients": len(server.store.everybody()),
        "written": server.store.written if written else len(server.store.written),
    }


def _shape(server: Controlled, values: Any) -> None:
    for name, value in values.items():
        server.shape.set(name, value)


def _put(server: Controlled, patient: Any) -> None:
    server.store.put(patient, ours=False)


def _revoke(server: Controlled, wanted: Any) -> None:
    if wanted:
        server.tokens.revoke()


def _reset_counts(server: Controlled, wanted: Any) -> None:
    if wanted:
        server.traffic.reset()


_ORDERS: Final[Mapping[str, Callable[[Controlled, Any], None]]] = {
    "clear": clear,
    "faults": set_faults,
    "next": set_next,
    "shape": _shape,
    "latency_ms": set_latency,
    "slow_seconds": set_slow_seconds,
    "put": _put,
    "revoke": _revoke,
    "reset_counts": _reset_counts,
}
