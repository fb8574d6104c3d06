"""The outcomes of a row, and what the sheet is told of each (contract S1-10 to S1-16, S1-21, X-05, X-07)."""

from typing import Final

UPDATED: Final = "updated"
UNCHANGED: Final = "unchanged"
INVALID_PHONE: Final = "invalid_phone"
INVALID_IDENTIFIER: Final = "invalid_identifier"
NOT_FOUND: Final = "not_found"
AMBIGUOUS: Final = "ambiguous"
INACTIVE: Final = "inactive_or_merged"
CONFLICT: Final = "conflict"
REFUSED: Final = "refused"
SERVER_FAILED: Final = "server_failed"
UNKNOWN: Final = "unknown"
UNEXPECTED: Final = "unexpected"

OUTCOMES: Final = (
    UPDATED, UNCHANGED, INVALID_PHONE, INVALID_IDENTIFIER, NOT_FOUND, AMBIGUOUS, INACTIVE, CONFLICT, REFUSED,
    SERVER_FAILED, UNKNOWN, UNEXPECTED,
)  # fmt: skip
GOOD: Final = (UPDATED, UNCHANGED)
# What a single patient's change can come to; where the patients of a row differ, the row has the first of these.
FAILED_UPDATES: Final = (UNKNOWN, UNEXPECTED, SERVER_FAILED, CONFLICT, REFUSED)
ENVIRONMENTAL: Final = frozenset({SERVER_FAILED, UNKNOWN, UNEXPECTED, "transient"})

_SAYS: Final = {
    INVALID_PHONE: "invalid phone: {reason}",
    INVALID_IDENTIFIER: "invalid identifier: {reason}",
    NOT_FOUND: "patient not found",
    AMBIGUOUS: "the identifier is another system's or out of use",
    INACTIVE: "the patient is {reason}",
    CONFLICT: "the patient was changed meanwhile",
    REFUSED: "the FHIR server refused ({reason})",
    SERVER_FAILED: "the FHIR server failed ({reason})",
    UNKNOWN: "no answer of the FHIR server, sync again ({reason})",
    UNEXPECTED: "unexpected fault of this row, see the log ({reason})",
}


def in_words(outcome: str, reason: str) -> str:
    """Why a row failed, as the sheet and the run's result say it."""
    return _SAYS[outcome].format(reason=reason)


def status_text(outcome: str, reason: str, failed: int, patients: int, correlation_id: str) -> str:
    """success, unchanged, or failed: with the reason and the id by which the log is searched [S1-31]."""
    if outcome in GOOD:
        return "success" if outcome == UPDATED else "unchanged"
    said = in_words(outcome, reason)
    if patients > 1 and failed:
        said = f"Failed {failed}/{patients}: {said}"
    return f"failed: {said} [{correlation_id}]"
