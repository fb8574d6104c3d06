"""What POST /control of every peer does alike: orders in their order, and those that concern its faults."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from backoffice.sandbox.faults import Faults
from backoffice.sandbox.traffic import Traffic

Peer = TypeVar("Peer")


class BadControl(Exception):
    """The orders cannot be carried out; those before the wrong one were."""


class Faulty(Protocol):
    """A peer that does things wrong."""

    faults: Faults


class Late(Protocol):
    """A peer that takes its time."""

    latency_ms: float


class Counted(Protocol):
    """A peer that counts what it is asked."""

    traffic: Traffic


class Watched(Faulty, Late, Counted, Protocol):
    """A peer with all of these."""


def carry_out(peer: Peer, orders: Any, known: Mapping[str, Callable[[Peer, Any], None]]) -> None:
    """Carry out `orders`, as they came, in the order of those that are `known`; "list" is none. Raises BadControl."""
    if not isinstance(orders, dict) or (unknown := set(orders) - {*known, "list"}):
        raise BadControl(f"unknown orders: {', '.join(sorted(unknown))}" if isinstance(orders, dict) else "no object")
    for name, order in known.items():
        if name in orders:
            try:
                order(peer, orders[name])
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                raise BadControl(f"{name}: {error}") from error


def clear(peer: Faulty, wanted: Any) -> None:
    """No faults any more."""
    if wanted:
        peer.faults.clear()


def set_faults(peer: Faulty, values: Any) -> None:
    """{kind: rate}."""
    for kind, value in values.items():
        peer.faults.set(kind, value)


def set_next(peer: Faulty, times: Any) -> None:
    """{kind: how often it happens from now on}."""
    for kind, count in times.items():
        peer.faults.next(kind, int(count))


def set_slow_seconds(peer: Faulty, seconds: Any) -> None:
    """How long what is slow takes."""
    peer.faults.slow_seconds = max(0.0, float(seconds))


def set_latency(peer: Late, milliseconds: Any) -> None:
    """What is added to every answer."""
    peer.latency_ms = max(0.0, float(milliseconds))


def reset_counts(peer: Counted, wanted: Any) -> None:
    """Count from zero."""
    if wanted:
        peer.traffic.reset()


# Orders that every vendor's API takes, in their order.
COMMON: Mapping[str, Callable[[Watched, Any], None]] = {
    "clear": clear,
    "faults": set_faults,
    "next": set_next,
    "latency_ms": set_latency,
    "slow_seconds": set_slow_seconds,
    "reset_counts": reset_counts,
}


def state_of(peer: Watched) -> dict[str, Any]:
    """What every vendor's API says of itself."""
    return {
        "faults": peer.faults.as_dict(),
        "fired": dict(peer.faults.fired),
        "latency_ms": peer.latency_ms,
        "slow_seconds": peer.faults.slow_seconds,
        "calls": dict(peer.traffic.calls),
        "requests": peer.traffic.requests,
        "max_in_flight": peer.traffic.max_in_flight,
    }
