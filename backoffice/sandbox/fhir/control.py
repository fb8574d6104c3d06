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

from backoffice.sandbox.fhir.shape import Shape
from backoffice.sandbox.fhir.store import Store
from backoffice.sandbox.fhir.tokens import Tokens
from backoffice.sandbox.hospital.faults import Faults
from backoffice.sandbox.hospital.traffic import Traffic


class BadControl(Exception):
    """The orders cannot be carried out; those before the wrong one were."""


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
    if not isinstance(orders, dict) or (unknown := set(orders) - {*_ORDERS, "list"}):
        raise BadControl(f"unknown orders: {', '.join(sorted(unknown))}" if isinstance(orders, dict) else "no object")
    for name, carry_out in _ORDERS.items():
        if name in orders:
            try:
                carry_out(server, orders[name])
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                raise BadControl(f"{name}: {error}") from error
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


def _clear(server: Controlled, wanted: Any) -> None:
    if wanted:
        server.faults.clear()


def _faults(server: Controlled, values: Any) -> None:
    for kind, value in values.items():
        server.faults.set(kind, value)


def _next(server: Controlled, times: Any) -> None:
    for kind, count in times.items():
        server.faults.next(kind, int(count))


def _shape(server: Controlled, values: Any) -> None:
    for name, value in values.items():
        server.shape.set(name, value)


def _latency(server: Controlled, milliseconds: Any) -> None:
    server.latency_ms = max(0.0, float(milliseconds))


def _slow_seconds(server: Controlled, seconds: Any) -> None:
    server.faults.slow_seconds = max(0.0, float(seconds))


def _put(server: Controlled, patient: Any) -> None:
    server.store.put(patient, ours=False)


def _revoke(server: Controlled, wanted: Any) -> None:
    if wanted:
        server.tokens.revoke()


def _reset_counts(server: Controlled, wanted: Any) -> None:
    if wanted:
        server.traffic.reset()


_ORDERS: Final[Mapping[str, Callable[[Controlled, Any], None]]] = {
    "clear": _clear,
    "faults": _faults,
    "next": _next,
    "shape": _shape,
    "latency_ms": _latency,
    "slow_seconds": _slow_seconds,
    "put": _put,
    "revoke": _revoke,
    "reset_counts": _reset_counts,
}
