"""What a FHIR server says, as values, and how a call can fail."""

from dataclasses import dataclass, field
from typing import Any, Literal

Resource = dict[str, Any]


class FhirRefused(Exception):
    """No call can succeed until the address, the credentials or the program changes; one line, no secrets."""


class FhirUnavailable(Exception):
    """One call failed, after its retries.

    `code` is "connection", "http_NNN", "http_NNN_ISSUE" with the issue type of an OperationOutcome, the first two after
    "token_" where it is the token server's, "unreadable_answer", "too_large" (even one at a time is), "no_answer" (a
    batch-response lacks this entry), or "next_link" (a next page elsewhere, one that was there before, or no end).
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class WrongRegion(Exception):
    """A client, or a patient, of one region was about to be used for another. A bug: nothing was sent."""

    def __init__(self, mine: str, theirs: str) -> None:
        super().__init__(f"What belongs to region {theirs} was given to the FHIR client of region {mine}.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Patient:
    """A Patient as `region`'s server holds it in `version`, empty where it keeps none. `whole`: nothing was left out.

    `resource` is the server's JSON with every element in its order; it must not be changed in place.
    """

    region: str
    id: str
    version: str
    whole: bool
    resource: Resource = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What one identifier value stands for. `patients` are to be updated, each of them [S1-14]; the others are not.

    foreign: patients who carry the value through another system, or an identifier that is out of use; merged: replaced
    by another patient; inactive: active is false. `fault` is FhirUnavailable's code: then nothing is known.
    """

    patients: tuple[Patient, ...] = ()
    foreign: int = 0
    merged: int = 0
    inactive: int = 0
    fault: str = ""

    @property
    def outcome(self) -> Literal["found", "foreign", "merged", "inactive", "none", "failed"]:
        """The one word; where several kinds came back, the first in this order: found, foreign, merged, inactive."""
        if self.fault:
            return "failed"
        if self.patients:
            return "found"
        if self.foreign:
            return "foreign"
        if self.merged:
            return "merged"
        return "inactive" if self.inactive else "none"


@dataclass(frozen=True, kw_only=True, slots=True)
class Read:
    """A patient read by id: the patient, or why not. code: "gone" (404, 410), or FhirUnavailable's."""

    patient: Patient | None = None
    code: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """`resource` is what `patient` is to become; of the same id, made from patient.resource."""

    patient: Patient
    resource: Resource = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """What became of one change.

    written: done, in `version` where the server told it. conflict: the patient is another by now (412), nothing done.
    refused: not done, and never will be (4xx, or a patient that must not be put: "subsetted", "no_version").
    failed: not done, may work another time. unknown: sent, and nobody knows; read the patient again and compare.
    """

    outcome: Literal["written", "conflict", "refused", "failed", "unknown"]
    version: str = ""
    code: str = ""
