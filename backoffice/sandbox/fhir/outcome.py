"""What a server answers: a status with a resource, and problems as OperationOutcomes."""

from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Result:
    """One interaction's answer, in a batch or alone."""

    status: int
    resource: Json | None = None
    etag: str = ""
    location: str = ""


class Problem(Exception):
    """An interaction ends with this status and an OperationOutcome whose diagnostics repeat what was sent."""

    def __init__(self, status: int, issue: str, diagnostics: str) -> None:
        super().__init__(diagnostics)
        self.status = status
        self.outcome = outcome(issue, diagnostics)


def outcome(issue: str, diagnostics: str, severity: str = "error") -> Json:
    """An OperationOutcome of one issue."""
    told = {"severity": severity, "code": issue, "diagnostics": diagnostics}
    return {"resourceType": "OperationOutcome", "issue": [told]}
