"""The interactions of FHIR R4 on Patient, each alike in a batch and alone."""

import re
from collections.abc import Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

from backoffice.sandbox.faults import Occasion
from backoffice.sandbox.fhir.outcome import Problem, Result
from backoffice.sandbox.fhir.patch import patched
from backoffice.sandbox.fhir.search import Search, without_version
from backoffice.sandbox.fhir.shape import Shape
from backoffice.sandbox.fhir.store import Store, VersionConflict
from backoffice.sandbox.traffic import Traffic

_ID: Final = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_ETAG: Final = re.compile(r'(?:W/)?"(\d+)"')
Json = dict[str, Any]


class Call(NamedTuple):
    """One interaction; `url` is below the server's base, `prefer` the request's header."""

    method: str
    url: str
    body: Any
    if_match: str
    prefer: str
    occasion: Occasion


class Rest:
    """The interactions of one server."""

    def __init__(self, store: Store, search: Search, shape: Shape, traffic: Traffic) -> None:
        self._store, self._search, self._shape, self._traffic = store, search, shape, traffic

    def call(self, call: Call) -> Result:
        """Carry out one interaction. Raises Problem."""
        path, _, query = call.url.partition("?")
        parts, parameters = [part for part in path.split("/") if part], parse_qsl(query, keep_blank_values=True)
        self._traffic.count(f"{call.method} {parts[0] if parts else 'page'}")
        match call.method, parts:
            case "POST", ["Patient", "_search"]:
                return self._find([*parameters, *_form(call.body)], call)
            case "PUT" | "PATCH", ["Patient", key]:
                return self._write(key, call)
            case "GET", _:
                return self._get(parts, parameters, call)
        raise Problem(404, "not-supported", f"{call.method} {path} is not supported")

    def _get(self, parts: list[str], parameters: list[tuple[str, str]], call: Call) -> Result:
        match parts:
            case []:
                return Result(200, self._search.page(dict(parameters).get("_page", ""), call.occasion))
            case ["metadata"]:
                return Result(200, {"resourceType": "CapabilityStatement", "status": "active", "fhirVersion": "4.0.1"})
            case ["Patient"]:
                return self._find(parameters, call)
            case ["Patient", key]:
                return self._read(key, None)
            case ["Patient", key, "_history", version]:
                return self._read(key, int(version) if version.isdigit() else 0)
        raise Problem(404, "not-supported", f"GET {'/'.join(parts)} is not supported")

    def _find(self, parameters: Sequence[tuple[str, str]], call: Call) -> Result:
        strict = "handling=strict" in call.prefer
        return Result(200, self._search.search(parameters, call.occasion, strict=strict))

    def _read(self, key: str, version: int | None) -> Result:
        patient = self._store.read(key, version)
        if patient is None:
            raise Problem(404, "not-found", f"Patient/{key} is not known")
        etag = f'W/"{patient["meta"]["versionId"]}"' if self._shape.versions else ""
        return Result(200, without_version(patient, self._shape), etag)

    def _write(self, key: str, call: Call) -> Result:
        before = self._store.read(key)
        if call.method == "PATCH":
            if not self._shape.patch:
                raise Problem(405, "not-supported", "PATCH is not supported")
            if before is None:
                raise Problem(404, "not-found", f"Patient/{key} is not known")
            resource = patched(before, call.body)
        else:
            resource = call.body
        _check(key, resource)
        if before is not None and call.occasion.fires("conflict", key):
            self._store.put({**before, "gender": "other"}, ours=False)
        heeded = call.method == "PUT" or self._shape.if_match_in_patch
        try:
            version = self._store.put(resource, if_match=_if_match(call.if_match) if heeded else None)
        except VersionConflict:
            raise Problem(412, "conflict", f"Patient/{key} has another version") from None
        shown = None if "return=minimal" in call.prefer else self._store.read(key)
        location = f"{self._search.base}/Patient/{key}/_history/{version}"
        return Result(201 if version == 1 else 200, shown, f'W/"{version}"' if self._shape.versions else "", location)


def _check(key: str, resource: Any) -> None:
    if not (isinstance(resource, dict) and resource.get("resourceType") == "Patient"):
        raise Problem(400, "structure", "the body is no Patient")
    if resource.get("id") != key or not _ID.fullmatch(key):
        raise Problem(400, "invalid", f"the id {resource.get('id')} is not that of the address")
    for name in ("identifier", "telecom"):
        listed = resource.get(name, [])
        if not (isinstance(listed, list) and all(isinstance(one, dict) and one for one in listed)):
            raise Problem(422, "structure", f"{name}: objects in a list are expected")
    if any("system" not in one for one in resource.get("telecom", []) if "value" in one):
        raise Problem(422, "invariant", f"cpt-2: a system is required in {resource['telecom']}")


def _if_match(text: str) -> int | None:
    if not text:
        return None
    found = _ETAG.fullmatch(text)
    return int(found[1]) if found else -1


def _form(body: Any) -> list[tuple[str, str]]:
    if not isinstance(body, list):
        raise Problem(415, "not-supported", "a form is expected")
    return [(str(name), str(value)) for name, value in body]
