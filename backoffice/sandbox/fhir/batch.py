"""Batches: every entry is a request of its own, answered at its own place."""

from typing import Any, Final

from backoffice.sandbox.faults import Occasion
from backoffice.sandbox.fhir.outcome import Problem, Result
from backoffice.sandbox.fhir.rest import Call, Rest
from backoffice.sandbox.fhir.shape import Shape

PHRASES: Final = {200: "OK", 201: "Created", 404: "Not Found", 412: "Precondition Failed", 422: "Unprocessable Entity"}
Json = dict[str, Any]


def answer(rest: Rest, shape: Shape, bundle: Any, prefer: str, occasion: Occasion) -> Json:
    """The batch-response. Raises Problem for what is no batch, or too large a one."""
    if not shape.batch:
        raise Problem(400, "not-supported", "batches are not supported")
    if not (isinstance(bundle, dict) and bundle.get("resourceType") == "Bundle" and bundle.get("type") == "batch"):
        raise Problem(400, "invalid", "a Bundle of type batch is expected")
    entries = bundle.get("entry", [])
    if not isinstance(entries, list):
        raise Problem(400, "structure", "entry is no list")
    if len(entries) > shape.max_entries:
        raise Problem(shape.too_large, "too-costly", f"{len(entries)} entries are too many")
    answers = [_one(rest, entry, prefer, occasion, number) for number, entry in enumerate(entries)]
    if answers and occasion.fires("entry_missing"):
        answers.pop(len(answers) // 2)
    return {"resourceType": "Bundle", "type": "batch-response", "entry": answers}


def _one(rest: Rest, entry: Any, prefer: str, occasion: Occasion, number: int) -> Json:
    try:
        result = _call(rest, entry, prefer, occasion, number)
    except Problem as problem:
        return {"response": {"status": _status(problem.status), "outcome": problem.outcome}}
    response = {"status": _status(result.status), "etag": result.etag, "location": result.location}
    shown: Json = {"response": {name: value for name, value in response.items() if value}}
    return shown | ({"resource": result.resource} if result.resource is not None else {})


def _call(rest: Rest, entry: Any, prefer: str, occasion: Occasion, number: int) -> Result:
    request = entry.get("request") if isinstance(entry, dict) else None
    if not isinstance(request, dict):
        raise Problem(400, "structure", "an entry has no request")
    for status in (429, 500):
        if occasion.fires(f"entry{status}", str(number)):
            raise Problem(status, "throttled" if status == 429 else "exception", str(request.get("url")))
    method, url, if_match = (str(request.get(name, "")) for name in ("method", "url", "ifMatch"))
    return rest.call(Call(method, url, entry.get("resource"), if_match, prefer, occasion))


def _status(status: int) -> str:
    return f"{status} {PHRASES.get(status, '')}".strip()
