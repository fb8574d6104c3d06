"""POST /control: one JSON object of orders, carried out in the order below; the answer is the state after them.

{"clear": true,                          no faults and no rejections any more
 "faults": {"full_disk": "1%"},
 "next": {"drop_upload": 1},             the next occasion only
 "after_bytes": 1000,                    when uploads and downloads go wrong
 "slow_seconds": 5,
 "reject": {"277ca": ["A1"]},            claims by CLM01, at "999", "277ca", "payer" (its 277CA) or "835" (denied)
 "pay": true,                            answer with an 835 as well
 "zip": true,                            in a ZIP
 "summary": true,                        answer with a file summary as well, as the command does from the start
 "release": true,                        deliver what was held back
 "list": ["taken", "delivered"]}         names; else their number
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from backoffice.sandbox.clearinghouse.desk import Desk
from backoffice.sandbox.control import carry_out, set_faults, set_next, set_slow_seconds
from backoffice.sandbox.faults import Faults


class Controlled(Protocol):
    """The part of a clearinghouse that can be told to behave differently."""

    faults: Faults
    desk: Desk
    after_bytes: int
    logins: Counter[str]


def control(server: Controlled, orders: Any) -> dict[str, Any]:
    """Carry out `orders` and return the state. Raises BadControl."""
    carry_out(server, orders, _ORDERS)
    return _state(server, orders.get("list", []))


def _state(server: Controlled, listed: Any) -> dict[str, Any]:
    desk = server.desk
    names = {"taken": list(desk.taken), "delivered": list(desk.delivered)}
    return {
        "faults": server.faults.as_dict(),
        "fired": dict(server.faults.fired),
        "after_bytes": server.after_bytes,
        "slow_seconds": server.faults.slow_seconds,
        "reject": {stage: sorted(accounts) for stage, accounts in desk.rejects.items()},
        "pay": desk.pay,
        "zip": desk.zip,
        "summary": desk.summary,
        "held": desk.held,
        "logins": dict(server.logins),
        **{name: found if name in listed else len(found) for name, found in names.items()},
    }


def _clear(server: Controlled, wanted: Any) -> None:
    if wanted:
        server.faults.clear()
        for accounts in server.desk.rejects.values():
            accounts.clear()


def _after_bytes(server: Controlled, number: Any) -> None:
    server.after_bytes = max(0, int(number))


def _reject(server: Controlled, accounts: Any) -> None:
    for stage, those in accounts.items():
        server.desk.rejects[stage].update(str(account) for account in those)


def _pay(server: Controlled, wanted: Any) -> None:
    server.desk.pay = bool(wanted)


def _zip(server: Controlled, wanted: Any) -> None:
    server.desk.zip = bool(wanted)


def _summary(server: Controlled, wanted: Any) -> None:
    server.desk.summary = bool(wanted)


def _release(server: Controlled, wanted: Any) -> None:
    if wanted:
        server.desk.release()


_ORDERS: Final[Mapping[str, Callable[[Controlled, Any], None]]] = {
    "clear": _clear,
    "faults": set_faults,
    "next": set_next,
    "after_bytes": _after_bytes,
    "slow_seconds": set_slow_seconds,
    "reject": _reject,
    "pay": _pay,
    "zip": _zip,
    "summary": _summary,
    "release": _release,
}
