"""OperationOutcomes and statuses as codes. Diagnostics, details and expressions may be a patient's and are not read."""

import re
from typing import Any, Final

from backoffice.adapters import fhir_json

TOO_LARGE: Final = frozenset({413, 414, 431})
PASSING: Final = frozenset({429, 500, 502, 503, 504})  # S1-19
NO_BATCH: Final = frozenset({404, 405, 501})

# IssueType of FHIR R4: anything else in its place could be a patient's data.
ISSUE_TYPES: Final = frozenset({
    "invalid", "structure", "required", "value", "invariant", "security", "login", "unknown", "expired", "forbidden",
    "suppressed", "processing", "not-supported", "duplicate", "multiple-matches", "not-found", "deleted", "too-long",
    "code-invalid", "extension", "too-costly", "business-rule", "conflict", "transient", "lock-error", "no-store",
    "exception", "timeout", "incomplete", "throttled", "informational",
})  # fmt: skip
_STATUS: Final = re.compile(r"[1-5][0-9]{2}")


def issue_type(outcome: Any) -> str:
    """The type of the first error of an OperationOutcome, or empty."""
    issues = outcome.get("issue") if isinstance(outcome, dict) else None
    listed = [issue for issue in issues if isinstance(issue, dict)] if isinstance(issues, list) else []
    for issue in listed:
        code = issue.get("code")
        if issue.get("severity") in ("error", "fatal") and isinstance(code, str) and code in ISSUE_TYPES:
            return code
    return ""


def issue_type_of_body(body: bytes) -> str:
    """The same of an answer's body, which may be anything."""
    try:
        return issue_type(fhir_json.read(body))
    except fhir_json.Unreadable:
        return ""


def code_of(status: int, issue: str) -> str:
    """As FhirUnavailable and Written name it: http_422_invariant."""
    return f"http_{status}_{issue}" if issue else f"http_{status}"


def is_too_large(status: int, issue: str) -> bool:
    """Whether less at a time may help."""
    return status in TOO_LARGE or (status >= 400 and issue == "too-costly")


def entry_status(entry: Any) -> tuple[int, str]:
    """(status, issue type) of one entry of a batch-response; status 0 where it has none that can be read."""
    response = entry.get("response") if isinstance(entry, dict) else None
    if not isinstance(response, dict):
        return 0, ""
    text = str(response.get("status", ""))[:3]
    resource = entry.get("resource")
    outcome = response.get("outcome") or (resource if _is_outcome(resource) else None)
    return (int(text) if _STATUS.fullmatch(text) else 0), issue_type(outcome)


def _is_outcome(resource: Any) -> bool:
    return isinstance(resource, dict) and resource.get("resourceType") == "OperationOutcome"
