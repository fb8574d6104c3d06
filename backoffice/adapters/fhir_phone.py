"""The one change that the phone sync makes to a patient: which number is the mobile one (pure functions)."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Any, Final

Resource = dict[str, Any]
_SEPARATORS: Final = re.compile(r"[\s().\-\u2010-\u2015]|^tel:", re.IGNORECASE)


def change_phone(resource: Resource, number: str, today: date, use: str = "mobile") -> Resource | None:
    """`resource` with `number` as its phone of this use, or None where it is that already. The argument stays as it is.

    All elements but telecom are the same, in the same order.
    """
    telecom = resource.get("telecom", [])
    changed = change_telecom(telecom, number, today, use)
    return None if changed is None else {**resource, "telecom": changed}


def change_telecom(telecom: Sequence[Any], number: str, today: date, use: str = "mobile") -> list[Any] | None:
    """The new list, or None: unchanged.

    The entry that is replaced is the phone of this use that is in force today, of several the one of the best rank,
    else the first. `number` takes its place and its rank; it stays right after that with use "old", an end of its
    period, and everything else that it held. Where there is none, `number` comes last. No other entry changes.
    """
    current = [index for index, entry in enumerate(telecom) if _is_current(entry, today, use)]
    if any(_plain(telecom[index]["value"]) == _plain(number) for index in current):
        return None
    new: dict[str, Any] = {"system": "phone", "value": number, "use": use}
    if not current:
        return [*telecom, new]
    index = min(current, key=lambda index: _rank(telecom[index]))
    old = _retired(telecom[index], today)
    if "rank" in old:
        new["rank"] = old.pop("rank")
    return [*telecom[:index], new, old, *telecom[index + 1 :]]


def _is_current(entry: Any, today: date, use: str) -> bool:
    if not (isinstance(entry, dict) and entry.get("system") == "phone" and entry.get("use") == use):
        return False
    period = entry.get("period", {})
    if not (isinstance(entry.get("value"), str) and isinstance(period, dict)):
        return False
    start, end = _day(period.get("start")), _day(period.get("end"))
    return start <= today.isoformat()[: len(start)] and (not end or end >= today.isoformat()[: len(end)])


def _day(moment: Any) -> str:
    """The date of a FHIR dateTime, which may be a year or a month only; empty where there is none."""
    return moment[:10] if isinstance(moment, str) else ""


def _rank(entry: dict[str, Any]) -> float:
    rank = entry.get("rank")
    return rank if isinstance(rank, int) and not isinstance(rank, bool) else float("inf")


def _retired(entry: dict[str, Any], today: date) -> dict[str, Any]:
    return {**entry, "use": "old", "period": {**entry.get("period", {}), "end": today.isoformat()}}


def _plain(number: str) -> str:
    """Without what only separates the digits."""
    return _SEPARATORS.sub("", number.strip())
