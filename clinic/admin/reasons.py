"""The reasons of the worklist: what finance may narrow it by, without reading more of it than a page counts."""

from collections.abc import Iterable

from django.db.models import QuerySet

from backoffice.lists import Choices, first_values
from backoffice.runs import reasons
from clinic.models import MissingService
from clinic.recovery.verdict import BLOCK_FAULTS

Rows = QuerySet[MissingService]

# {category: the reasons that we or the hospital give}; what else a hospital says is offered once it stands in a row.
KNOWN = {
    "appointment_data": (
        "missing_type", "missing_department", "missing_case", "ends_before_start", "unknown_case",
    ),
    "master_data": ("no_service_configuration", "no_cost_center", "no_responsible_physician"),
    "service_block": BLOCK_FAULTS,
    "validation": ("CASE_CLOSED", "VALIDATION_FAILED"),
    "write_path": ("FORBIDDEN", "INTERNAL", "connection", "unknown", "session_cancelled"),
    "lookup": ("sessions", "configuration", "cost_center", "physician", "case", "block"),
}  # fmt: skip
CATEGORIES = tuple(KNOWN)
# Stands for no reason at all in a list of faults: what a preview found and could write.
NONE = "none"


def with_fault(rows: Rows, value: str) -> Rows:
    """Rows whose reasons come to this fault, whatever the blocks."""
    return reasons.with_fault(rows, "reasons", (value,))


def with_faults(rows: Rows, value: str) -> Rows:
    """The same of several faults, as `joined` writes them."""
    return reasons.with_fault(rows, "reasons", ["" if fault == NONE else fault for fault in value.split(",")])


def joined(faults: Iterable[str]) -> str:
    """Several faults as one value of an address."""
    return ",".join(fault or NONE for fault in faults)


def choices(streams: Iterable[Rows], category: str, chosen: str) -> Choices:
    """The faults of the rows; of a list that is longer than a page counts, those of its beginning and all known ones.

    The `chosen` one is among them whatever the rows are: an address that was kept still says what it narrows by.
    """
    narrowed = (rows.filter(category=category) if category else rows for rows in streams)
    spelled, more = first_values((rows.order_by() for rows in narrowed), "reasons")
    found = {reasons.fault_of(value) for (value,) in spelled}
    if more:
        found |= set(KNOWN.get(category, [code for codes in KNOWN.values() for code in codes]))
    if chosen not in ("", "all"):
        found.add(chosen)
    return [(fault, reasons.titled(fault)) for fault in sorted(found - {""}, key=str.lower)]
