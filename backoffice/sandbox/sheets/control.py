"""POST /control: one JSON object of orders, carried out in the order below; the answer is the state after them.

{"clear": true,                                    no faults any more
 "faults": {"http500": "1%"},
 "next": {"drop_after_write": 1},                  the next occasion only
 "quota": {"limit": 60, "seconds": 60},            0: no limit
 "latency_ms": 20, "slow_seconds": 5, "token_seconds": 3600,
 "put": {"range": "Sheet1!C2", "values": [["0812"]]},   as staff would; not among the calls
 "sort": {"sheet": "Sheet1", "column": "A", "descending": true},
 "insert": {"sheet": "Sheet1", "before": 2, "rows": [["…"]]},
 "delete": {"sheet": "Sheet1", "first": 2, "count": 1},
 "after": {"call": "values.batchGet", "sort": {…}},     the same, once, just after the next such call is answered
 "revoke": true,                                   every token that was granted is bad
 "share": false,                                   the spreadsheet is open to nobody
 "reset_counts": true,
 "list": ["journal"]}                              what each call named and how many cells it set; else their number
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from backoffice.sandbox.control import carry_out, set_faults, set_latency, set_next, set_slow_seconds
from backoffice.sandbox.faults import Faults
from backoffice.sandbox.sheets.a1 import number_of
from backoffice.sandbox.sheets.book import Book
from backoffice.sandbox.sheets.quota import Quota
from backoffice.sandbox.sheets.tokens import Tokens
from backoffice.sandbox.traffic import Traffic


class Controlled(Protocol):
    """The part of a sheets server that can be told to behave differently."""

    faults: Faults
    traffic: Traffic
    quota: Quota
    tokens: Tokens
    book: Book
    latency_ms: float
    shared: bool
    journal: list[dict[str, Any]]
    after: dict[str, dict[str, Any]]


def control(server: Controlled, orders: Any) -> dict[str, Any]:
    """Carry out `orders` and return the state. Raises BadControl."""
    with server.book.lock:
        carry_out(server, orders, _ORDERS)
    return _state(server, journal="journal" in orders.get("list", []))


def move(book: Book, orders: Mapping[str, Any]) -> None:
    """Carry out put, sort, insert and delete, in this order. Raises KeyError, TypeError and ValueError."""
    if "put" in orders:
        book.write(orders["put"]["range"], orders["put"]["values"], entered=False)
    if "sort" in orders:
        order = orders["sort"]
        book.grid(order.get("sheet")).sort(number_of(order["column"]), descending=bool(order.get("descending")))
    if "insert" in orders:
        order = orders["insert"]
        book.grid(order.get("sheet")).insert(int(order["before"]), order["rows"])
    if "delete" in orders:
        order = orders["delete"]
        book.grid(order.get("sheet")).delete(int(order["first"]), int(order.get("count", 1)))
    book.save()


def _state(server: Controlled, *, journal: bool) -> dict[str, Any]:
    return {
        "faults": server.faults.as_dict(),
        "fired": dict(server.faults.fired),
        "quota": {"limit": server.quota.limit, "seconds": server.quota.seconds, "refused": server.quota.refused},
        "latency_ms": server.latency_ms,
        "slow_seconds": server.faults.slow_seconds,
        "calls": dict(server.traffic.calls),
        "requests": server.traffic.requests,
        "max_in_flight": server.traffic.max_in_flight,
        "tokens_issued": server.tokens.issued,
        "journal": list(server.journal) if journal else len(server.journal),
    }


def _clear(server: Controlled, wanted: Any) -> None:
    if wanted:
        server.faults.clear()
        server.after.clear()


def _quota(server: Controlled, values: Any) -> None:
    server.quota.limit, server.quota.seconds = int(values["limit"]), float(values.get("seconds", server.quota.seconds))


def _token_seconds(server: Controlled, seconds: Any) -> None:
    server.tokens.seconds = float(seconds)


def _moving(name: str) -> Callable[[Controlled, Any], None]:
    return lambda server, order: move(server.book, {name: order})


def _after(server: Controlled, order: Any) -> None:
    server.after[str(order["call"])] = {name: value for name, value in order.items() if name != "call"}


def _revoke(server: Controlled, wanted: Any) -> None:
    if wanted:
        server.tokens.revoke()


def _share(server: Controlled, wanted: Any) -> None:
    server.shared = bool(wanted)


def _reset_counts(server: Controlled, wanted: Any) -> None:
    if wanted:
        server.traffic.reset()
        server.journal.clear()


_ORDERS: Final[Mapping[str, Callable[[Controlled, Any], None]]] = {
    "clear": _clear,
    "faults": set_faults,
    "next": set_next,
    "quota": _quota,
    "latency_ms": set_latency,
    "slow_seconds": set_slow_seconds,
    "token_seconds": _token_seconds,
    "put": _moving("put"),
    "sort": _moving("sort"),
    "insert": _moving("insert"),
    "delete": _moving("delete"),
    "after": _after,
    "revoke": _revoke,
    "share": _share,
    "reset_counts": _reset_counts,
}
