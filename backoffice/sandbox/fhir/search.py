"""Search for patients by identifier and id, with opaque next links such as HAPI's."""

import secrets
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlencode

from backoffice.sandbox.faults import Occasion
from backoffice.sandbox.fhir.outcome import Problem, outcome
from backoffice.sandbox.fhir.shape import Shape
from backoffice.sandbox.fhir.store import Store

KNOWN: Final = ("identifier", "_id", "_count", "_summary")
MOST_CURSORS: Final = 10_000
Json = dict[str, Any]
Parameters = Sequence[tuple[str, str]]


class Search:
    """One server's searches. `base` is the server's address, known once it serves."""

    def __init__(self, store: Store, shape: Shape) -> None:
        self.base = ""
        self._store, self._shape = store, shape
        self._cursors: OrderedDict[str, tuple[list[str], int, int]] = OrderedDict()

    def search(self, parameters: Parameters, occasion: Occasion, *, strict: bool) -> Json:
        """The first page. A parameter that it does not know is left out, or refused where `strict`. Raises Problem."""
        unknown = [name for name, _ in parameters if name not in KNOWN]
        if unknown and strict:
            raise Problem(400, "not-supported", f"unknown search parameter {unknown[0]}")
        keys = self._matches(parameters, str(parameters), occasion)
        count = _count(parameters, self._shape.page_size)
        if ("_summary", "count") in parameters:
            return {"resourceType": "Bundle", "type": "searchset", "total": len(keys)}
        bundle = self._page(keys, 0, count, occasion)
        if unknown:
            warning = outcome("not-supported", f"{unknown[0]} was ignored", "warning")
            bundle["entry"] = [*bundle.get("entry", []), {"resource": warning, "search": {"mode": "outcome"}}]
        return bundle

    def page(self, cursor: str, occasion: Occasion) -> Json:
        """A later page. Raises Problem for a cursor that is none."""
        if cursor not in self._cursors:
            raise Problem(410, "expired", "the search has expired")
        return self._page(*self._cursors[cursor], occasion)

    def _matches(self, parameters: Parameters, subject: str, occasion: Occasion) -> list[str]:
        """Ids that every parameter allows, oldest patient first; everybody where there is none."""
        wanted = [(name, split(value, ",")) for name, value in parameters if name in ("identifier", "_id")]
        if not wanted or occasion.fires("everybody", subject):
            return self._store.everybody()
        sets = []
        for name, values in wanted:
            if name == "_id":
                sets.append({key for key in values if self._store.version(key)})
            else:
                sets.append({key for value in values for key in self._with_identifier(value)})
        return sorted(set.intersection(*sets))

    def _with_identifier(self, token: str) -> tuple[str, ...]:
        system, *rest = split(token, "|")
        return self._store.with_identifier(plain(system), plain("|".join(rest))) if rest else (
            self._store.with_identifier(None, plain(system))
        )  # fmt: skip

    def _page(self, keys: list[str], offset: int, count: int, occasion: Occasion) -> Json:
        shown = [patient for key in keys[offset : offset + count] if (patient := self._store.read(key))]
        detail = f"{offset}:{keys[offset : offset + 1]}"
        if shown and occasion.fires("subsetted", detail):
            shown = [_subset(patient) for patient in shown]
        bundle: Json = {"resourceType": "Bundle", "type": "searchset", "link": [{"relation": "self", "url": self.base}]}
        if not occasion.fires("no_total", detail):
            bundle["total"] = len(keys)
        if shown:
            bundle["entry"] = [
                {
                    "fullUrl": f"{self.base}/Patient/{patient['id']}",
                    "resource": without_version(patient, self._shape),
                    "search": {"mode": "match"},
                }
                for patient in shown
            ]
        if link := self._next(keys, offset, count, detail, occasion):
            bundle["link"].append({"relation": "next", "url": link})
        return bundle

    def _next(self, keys: list[str], offset: int, count: int, detail: str, occasion: Occasion) -> str:
        if occasion.fires("bad_next", detail):
            return "http://localhost.example/fhir?_page=elsewhere"
        loops = occasion.fires("next_loop", detail)
        if not loops and (not count or offset + count >= len(keys)):
            return ""
        cursor = secrets.token_hex(12)
        self._cursors[cursor] = (keys, offset if loops else offset + count, count)
        if len(self._cursors) > MOST_CURSORS:
            self._cursors.popitem(last=False)
        return f"{self.base}?{urlencode({'_page': cursor})}"


def without_version(patient: Json, shape: Shape) -> Json:
    """As a server shows it that keeps no versions, where this is one."""
    if shape.versions:
        return patient
    return {**patient, "meta": {name: value for name, value in patient["meta"].items() if name != "versionId"}}


def split(text: str, separator: str) -> list[str]:
    """The parts between separators that no backslash stands before; backslashes stay."""
    parts = [""]
    escaped = False
    for character in text:
        if character == separator and not escaped:
            parts.append("")
        else:
            parts[-1] += character
        escaped = character == "\\" and not escaped
    return parts


def plain(text: str) -> str:
    """Without the backslashes that escape."""
    result, escaped = "", False
    for character in text:
        escaped = character == "\\" and not escaped
        result += "" if escaped else character
    return result


def _count(parameters: Parameters, page_size: int) -> int:
    for name, value in parameters:
        if name == "_count":
            if not value.isdigit():
                raise Problem(400, "value", f"_count={value}")
            return min(int(value), 1000)
    return page_size


def _subset(patient: Json) -> Json:
    tag = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
    shown = ("resourceType", "id", "identifier", "active", "link", "telecom")
    return {**{name: patient[name] for name in shown if name in patient}, "meta": {**patient["meta"], "tag": [tag]}}
