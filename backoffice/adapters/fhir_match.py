"""Which of the patients that came back is meant: what the server says of its search is not believed (X-06, X-07)."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from backoffice.adapters.fhir_json import Unreadable
from backoffice.adapters.fhir_types import Found, Patient, Resource

_ID: Final = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_VERSION: Final = re.compile(r"[!#-\[\]-~]{1,64}")  # what an ETag can hold; FHIR itself allows less
_ETAG: Final = re.compile(rf'(?:W/)?"({_VERSION.pattern})"')


def patient(region: str, resource: Any, etag: Any = "") -> Patient:
    """A Patient resource as a value; its version is meta.versionId, else the ETag's. Raises Unreadable."""
    if not (isinstance(resource, dict) and resource.get("resourceType") == "Patient"):
        raise Unreadable("resourceType")
    key, meta = resource.get("id"), resource.get("meta", {})
    if not (isinstance(key, str) and _ID.fullmatch(key)):
        raise Unreadable("id")
    telecom = resource.get("telecom", [])
    if not (isinstance(meta, dict) and isinstance(telecom, list)):
        raise Unreadable("meta" if not isinstance(meta, dict) else "telecom")
    version = meta.get("versionId")
    known = isinstance(version, str) and _VERSION.fullmatch(version)
    return Patient(
        region=region,
        id=key,
        version=str(version) if known else version_of(etag),
        whole=not any(_code(tag) == "SUBSETTED" for tag in _listed(meta.get("tag"))),
        resource=resource,
    )


def version_of(etag: Any) -> str:
    """The version in W/"3", empty where there is none."""
    found = _ETAG.fullmatch(etag) if isinstance(etag, str) else None
    return found[1] if found else ""


def by_value(patients: Iterable[Patient], system: str, values: Sequence[str]) -> tuple[dict[str, Found], int]:
    """What came back, under each of `values`, and how many patients have none of them and were not asked for."""
    asked: dict[str, dict[str, list[Patient]]] = {value: {} for value in values}
    strangers = 0
    for one in {one.id: one for one in patients}.values():
        carried = _carried(one.resource, system)
        named = carried.keys() & asked.keys()
        strangers += not named
        for value in named:
            asked[value].setdefault(_kind(one.resource) if carried[value] else "foreign", []).append(one)
    return {value: _found(kinds) for value, kinds in asked.items()}, strangers


def _found(kinds: dict[str, list[Patient]]) -> Found:
    return Found(
        patients=tuple(sorted(kinds.get("current", []), key=lambda one: one.id)),
        foreign=len(kinds.get("foreign", [])),
        merged=len(kinds.get("merged", [])),
        inactive=len(kinds.get("inactive", [])),
    )


def _carried(resource: Resource, system: str) -> dict[str, bool]:
    """The values of the patient's identifiers; true where one is of the system and in use."""
    carried: dict[str, bool] = {}
    for identifier in _listed(resource.get("identifier")):
        value = identifier.get("value")
        if isinstance(value, str):
            mine = identifier.get("system") == system and identifier.get("use") != "old"
            carried[value] = carried.get(value, False) or mine
    return carried


def _kind(resource: Resource) -> str:
    if any(link.get("type") == "replaced-by" for link in _listed(resource.get("link"))):
        return "merged"
    return "inactive" if resource.get("active") is False else "current"


def _listed(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _code(tag: dict[str, Any]) -> Any:
    return tag.get("code")
