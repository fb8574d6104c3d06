"""Patients by id: read, and changed where they are still what they were."""

import base64
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, Literal

from backoffice.adapters import fhir_json, fhir_match
from backoffice.adapters.fhir_batch import UNANSWERED, Batches, Entry, EntryAnswer
from backoffice.adapters.fhir_json import Unreadable
from backoffice.adapters.fhir_outcome import PASSING, code_of
from backoffice.adapters.fhir_types import Change, Patient, Read, Written
from backoffice.adapters.fhir_wire import OF_THE_REGION

Method = Literal["put", "json-patch", "fhirpath-patch"]
JSON_PATCH: Final = "application/json-patch+json"
MINIMAL: Final = "return=minimal"
_LOCATION: Final = re.compile(r"(?:^|/)Patient/([A-Za-z0-9\-.]{1,64})(?:/_history/([A-Za-z0-9\-.]{1,64}))?$")
_ID: Final = re.compile(r"[A-Za-z0-9\-.]{1,64}")


def read(batches: Batches, region: str, ids: Sequence[str]) -> dict[str, Read]:
    """Each patient as it is now. Raises ValueError for what is no id of FHIR, and what Batches.run does."""
    if any(not _ID.fullmatch(key) for key in ids):
        raise ValueError("not an id of FHIR")
    keys = list(dict.fromkeys(ids))
    entries = [Entry(method="GET", url=f"Patient/{key}") for key in keys]
    answers = batches.run("read", entries, writes=False, prefer="")
    return {key: _read(region, key, answer) for key, answer in zip(keys, answers, strict=True)}


def _read(region: str, key: str, answer: EntryAnswer) -> Read:
    if answer.fault:
        return Read(code=answer.fault)
    if answer.status in (404, 410):
        return Read(code="gone")
    if answer.status != 200:
        return Read(code=code_of(answer.status, answer.issue) if answer.status else "no_answer")
    try:
        patient = fhir_match.patient(region, answer.resource, answer.etag)
    except Unreadable:
        return Read(code="unreadable_answer")
    return Read(patient=patient) if patient.id == key else Read(code="unreadable_answer")


def put(batches: Batches, changes: Sequence[Change], method: Method) -> list[Written]:
    """What became of each change, in their order."""
    refused = [_refusal(change.patient) for change in changes]
    sent = [change for change, code in zip(changes, refused, strict=True) if not code]
    entries = [_entry(change, method) for change in sent]
    answers = batches.run("write", entries, writes=True, prefer=MINIMAL) if entries else []
    written = [_written(change, answer) for change, answer in zip(sent, answers, strict=True)]
    if method == "json-patch":
        written = _told_apart(batches, sent, written)
    results = iter(written)
    return [Written(outcome="refused", code=code) if code else next(results) for code in refused]


def _told_apart(batches: Batches, changes: Sequence[Change], written: list[Written]) -> list[Written]:
    """400 and 422 are what servers say of a patch whose test fails, too: a conflict, if the patient has changed."""
    unclear = {
        change.patient.id: change.patient
        for change, one in zip(changes, written, strict=True)
        if one.outcome == "refused" and one.code.startswith(("http_400", "http_422"))
    }
    if not unclear:
        return written
    now = read(batches, next(iter(unclear.values())).region, list(unclear))
    changed = {key for key, one in now.items() if one.patient is None or one.patient.version != unclear[key].version}
    return [
        replace(one, outcome="conflict") if change.patient.id in changed and one.outcome == "refused" else one
        for change, one in zip(changes, written, strict=True)
    ]


def _refusal(patient: Patient) -> str:
    """Why a patient must not be put: parts would be lost, or a change that somebody else made."""
    if not patient.whole:
        return "subsetted"
    return "" if patient.version else "no_version"


def _entry(change: Change, method: Method) -> Entry:
    key, resource = change.patient.id, change.resource
    if resource.get("id") != key or resource.get("resourceType") != "Patient":
        raise ValueError("a change makes another resource of its patient")
    url, if_match = f"Patient/{key}", f'W/"{change.patient.version}"'
    if method == "put":
        return Entry(method="PUT", url=url, body=fhir_json.write(resource), if_match=if_match)
    if method == "fhirpath-patch":
        body = fhir_json.write(_fhirpath(change.patient.resource.get("telecom", []), resource.get("telecom", [])))
        return Entry(method="PATCH", url=url, body=body, if_match=if_match)
    patch = fhir_json.write(_json_patch(change.patient.resource, resource))
    binary = {"resourceType": "Binary", "contentType": JSON_PATCH, "data": base64.b64encode(patch).decode()}
    return Entry(
        method="PATCH",
        url=url,
        body=fhir_json.write(binary),
        if_match=if_match,
        alone=patch,
        alone_type=JSON_PATCH,
    )


def _json_patch(before: dict[str, Any], after: dict[str, Any]) -> list[dict[str, Any]]:
    """telecom as a whole, if it is still what it was: there are servers that take no notice of ifMatch in a PATCH."""
    test = [{"op": "test", "path": "/telecom", "value": before["telecom"]}] if "telecom" in before else []
    if "telecom" not in after:
        return [*test, {"op": "remove", "path": "/telecom"}]
    return [*test, {"op": "add", "path": "/telecom", "value": after["telecom"]}]


def _fhirpath(before: Sequence[Any], after: Sequence[Any]) -> dict[str, Any]:
    """Every old entry deleted, every new one added: FHIRPath Patch can replace no list."""
    delete = [("type", "valueCode", "delete"), ("path", "valueString", "Patient.telecom[0]")]
    add = [("type", "valueCode", "add"), ("path", "valueString", "Patient"), ("name", "valueString", "telecom")]
    operations = [delete] * len(before) + [[*add, ("value", "valueContactPoint", entry)] for entry in after]
    parameters = [
        {"name": "operation", "part": [{"name": name, kind: value} for name, kind, value in parts]}
        for parts in operations
    ]
    return {"resourceType": "Parameters", "parameter": parameters}


def _written(change: Change, answer: EntryAnswer) -> Written:
    if answer.fault == UNANSWERED or (not answer.fault and not answer.status):
        return Written(outcome="unknown", code=answer.fault or "no_answer")
    if answer.fault:
        return Written(outcome="failed", code=answer.fault)
    code = code_of(answer.status, answer.issue)
    if answer.status in PASSING:
        known = answer.status in OF_THE_REGION and not answer.doubt
        return Written(outcome="failed" if known else "unknown", code=code)
    if answer.status in (409, 412):
        # Perhaps the version is no longer what it was because an earlier try of ours has been carried out.
        return Written(outcome="unknown" if answer.doubt else "conflict", code=code)
    return _done(change.patient.id, answer) if 200 <= answer.status < 300 else Written(outcome="refused", code=code)


def _done(key: str, answer: EntryAnswer) -> Written:
    location = _LOCATION.search(answer.location)
    if location and location[1] != key:
        return Written(outcome="unknown", code="unreadable_answer")
    version = fhir_match.version_of(answer.etag) or (location and location[2]) or ""
    return Written(outcome="written", version=version)
