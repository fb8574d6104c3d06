"""The reasons of the worklist: what finance may narrow it by, without reading more of it than a page counts."""

from collections.abc import Iterable, Sequence

from django.db.models import QuerySet

from backoffice.formats import words
from backoffice.lists import COUNT_LIMIT, Choices
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


def fault_of(reasons: str) -> str:
    """Reasons without their block codes: ten codes of one fault are one reason."""
    return ";".join(sorted({part.rpartition(":")[2] for part in reasons.split(";")}))


def with_fault(rows: Rows, value: str) -> Rows:
    """Rows whose reasons come to this fault, whatever the blocks."""
    spelled = (
        rows.filter(reasons__contains=value.partition(";")[0]).order_by().values_list("reasons", flat=True).distinct()
    )
    return rows.filter(reasons__in=[reasons for reasons in spelled if fault_of(reasons) == value])


def choices(streams: Iterable[Rows], category: str, chosen: str) -> Choices:
    """The faults of the rows; of a list that is longer than a page counts, those of its beginning and all known ones.

    The `chosen` one is among them whatever the rows are: an address that was kept still says what it narrows by.
    """
    found, more = _first_faults([rows.filter(category=category) if category else rows for rows in streams])
    if more:
        found |= set(KNOWN.get(category, [code for codes in KNOWN.values() for code in codes]))
    if chosen not in ("", "all"):
        found.add(chosen)
    return [(fault, _title(fault)) for fault in sorted(found - {""}, key=str.lower)]


def _first_faults(streams: Sequence[Rows]) -> tuple[set[str], bool]:
    """(faults, whether there were more rows than were read)."""
    left = COUNT_LIMIT
    spelled: set[str] = set()
    for rows in streams:
        read = rows.order_by().values_list("reasons", flat=True)[: left + 1]
        spelled.update(read)
        left -= len(read)
        if left < 0:
            return {fault_of(reasons) for reasons in spelled}, True
    return {fault_of(reasons) for reasons in spelled}, False


def _title(fault: str) -> str:
    text = words(fault)
    return text[:1].upper() + text[1:]
