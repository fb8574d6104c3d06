"""The decision table, rows 1 to 10 (rows 11 to 16 depend on the hospital's answer: answers.py).

Nothing here reaches out: what is asked comes through `Masters`, and a lookup that failed is an answer as well.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Protocol

from backoffice.adapters.hospital_types import (
    Activity,
    Appointment,
    Block,
    Case,
    Configuration,
    CostCenter,
    Physician,
    Session,
)
from clinic.recovery import verdict
from clinic.recovery.verdict import Decision, Destination, Dropped, Line, Plan


class Hindered(Exception):
    """An appointment fails as a whole: the category and reason of its row, and the master record that holds it up."""

    def __init__(self, category: str, reason: str, blocked_by: str = "") -> None:
        super().__init__(f"{category}: {reason}")
        self.category, self.reason, self.blocked_by = category, reason, blocked_by


class LookupFailed(Hindered):
    """The hospital did not answer, after the adapter's retries (row 15)."""

    def __init__(self, kind: str) -> None:
        super().__init__("lookup", kind)


class Masters(Protocol):
    """The five lookups. Each answers None where there is no such record, or raises LookupFailed."""

    def configuration(self, type_code: str) -> Configuration | None: ...
    def cost_center(self, department_id: str) -> CostCenter | None: ...
    def physician(self, department_id: str) -> Physician | None: ...
    def case(self, case_id: str) -> Case | None: ...
    def block(self, code: str) -> Block | None: ...


def decide(
    appointment: Appointment, sessions: tuple[Session, ...] | None, masters: Masters, *, dismissed: bool = False
) -> Decision | Plan:
    """Rows 1 to 10 and 15. `sessions` are the appointment's, cancelled ones included; None: they could not be read."""
    if appointment.status != "FINISHED":
        return Decision(appointment=appointment, outcome=verdict.NOT_BILLABLE)
    if dismissed:
        return Decision(appointment=appointment, outcome=verdict.DISMISSED, at_stake=None)
    if faults := appointment_faults(appointment):
        return _failed(appointment, Hindered("appointment_data", ";".join(sorted(faults))))
    try:
        configuration = _configuration(appointment, masters)
    except Hindered as hindrance:
        return _failed(appointment, hindrance)
    return _bill(appointment, configuration, sessions, masters)


def appointment_faults(appointment: Appointment) -> list[str]:
    """Row 2: all that apply. An end that is null or equals the start is no fault."""
    checks = (
        (not appointment.type_code, "missing_type"),
        (not appointment.department_id, "missing_department"),
        (not appointment.case_id, "missing_case"),
        (appointment.end is not None and appointment.end < appointment.start, "ends_before_start"),
    )
    return [reason for applies, reason in checks if applies]


def due_quantities(configuration: Configuration, activities: Iterable[Activity]) -> dict[str, int]:
    """Row 4: block → quantity. Repeated activities and rules add up; what comes to nothing is not due."""
    performed: Counter[str] = Counter()
    for activity in activities:
        performed[activity.code] += activity.quantity
    due: Counter[str] = Counter()
    for rule in configuration.rules:
        if rule.trigger == "ALWAYS":
            due[rule.block_code] += 1
        elif rule.trigger == "PERFORMED" and rule.activity_code is not None:
            due[rule.block_code] += performed[rule.activity_code]
    return {code: quantity for code, quantity in due.items() if quantity > 0}


def billed_blocks(sessions: Iterable[Session]) -> set[str]:
    """Row 5: the blocks with a BILLED service, of whatever quantity. A cancelled service does not count."""
    return {one.block_code for session in sessions for one in session.services if one.status == "BILLED"}


def cancelled_sessions(sessions: Iterable[Session]) -> tuple[str, ...]:
    """The sessions that were billed and no longer are: none of their services stands."""
    return tuple(
        sorted(
            session.id
            for session in sessions
            if session.services and all(one.status != "BILLED" for one in session.services)
        )
    )


def block_fault(block: Block | None, appointment: Appointment, case_type: str) -> str | None:
    """Row 9: the first reason against a block, None when it can be written. The date is the UTC day of the start."""
    if block is None:
        return "unknown_block"
    if block.status != "ACTIVE":
        return "retired_block"
    day = appointment.start.date()
    if day < block.valid_from or (block.valid_to is not None and day > block.valid_to):
        return "block_not_valid_on_date"
    if block.allowed_case_types and case_type not in block.allowed_case_types:
        return "case_type_not_allowed"
    return None


def _configuration(appointment: Appointment, masters: Masters) -> Configuration:
    """Row 3."""
    type_code = appointment.type_code or ""
    found = masters.configuration(type_code)
    if found is None:
        raise Hindered("master_data", "no_service_configuration", f"configuration:{type_code}")
    return found


def _bill(
    appointment: Appointment, configuration: Configuration, sessions: tuple[Session, ...] | None, masters: Masters
) -> Decision | Plan:
    """Rows 4 and 5, and what is left of an appointment that is short of services."""
    due = due_quantities(configuration, appointment.activities)
    if not due:
        return Decision(appointment=appointment, outcome=verdict.NOTHING_TO_BILL, configuration=configuration)
    if sessions is None:
        return _failed(appointment, LookupFailed("sessions"), configuration=configuration)
    missing = {code: due[code] for code in sorted(due.keys() - billed_blocks(sessions))}
    if not missing:
        return Decision(appointment=appointment, outcome=verdict.ALREADY_BILLED, configuration=configuration)
    return _place(appointment, configuration, missing, masters, cancelled_sessions(sessions))


def _place(
    appointment: Appointment,
    configuration: Configuration,
    missing: dict[str, int],
    masters: Masters,
    cancelled: tuple[str, ...],
) -> Decision | Plan:
    """Rows 6 to 10. The blocks are asked for in rows 6 to 8 too: their price is what is at stake there."""
    blocks, unpriced = _blocks(missing, masters)
    lines = _lines(missing, blocks)
    try:
        destination, case_type = _destination(appointment, masters)
        if unpriced is not None:
            raise unpriced
    except Hindered as hindrance:
        return _failed(appointment, hindrance, lines, configuration, priced=unpriced is None)
    faults = {line.block: block_fault(blocks[line.block], appointment, case_type) for line in lines}
    plan = Plan(
        appointment=appointment,
        destination=destination,
        lines=tuple(line for line in lines if faults[line.block] is None),
        dropped=tuple(Dropped(line, reason) for line in lines if (reason := faults[line.block]) is not None),
        cancelled_sessions=cancelled,
        configuration=configuration,
    )
    return plan if plan.lines else plan.no_block_left(phase="prepare")


def _destination(appointment: Appointment, masters: Masters) -> tuple[Destination, str]:
    """Rows 6 to 8, with the case's type for row 9."""
    department, case_id = appointment.department_id or "", appointment.case_id or ""
    cost_center = masters.cost_center(department)
    if cost_center is None or not cost_center.active:
        raise Hindered("master_data", "no_cost_center", f"cost_center:{department}")
    physician = masters.physician(department)
    if physician is None:
        raise Hindered("master_data", "no_responsible_physician", f"physician:{department}")
    case = masters.case(case_id)
    if case is None:
        raise Hindered("appointment_data", "unknown_case")
    return Destination(case.id, case.status == "CLOSED", cost_center.id, physician.id), case.type


def _blocks(codes: Iterable[str], masters: Masters) -> tuple[dict[str, Block | None], LookupFailed | None]:
    """Every block's record; one lookup that fails, fails the appointment, unless a row above does."""
    try:
        return {code: masters.block(code) for code in codes}, None
    except LookupFailed as fault:
        return {}, fault


def _lines(missing: dict[str, int], blocks: dict[str, Block | None]) -> tuple[Line, ...]:
    found = ((code, quantity, blocks.get(code)) for code, quantity in missing.items())
    return tuple(Line(code, quantity, block.price if block else None) for code, quantity, block in found)


def _failed(
    appointment: Appointment,
    hindrance: Hindered,
    lines: tuple[Line, ...] = (),
    configuration: Configuration | None = None,
    *,
    priced: bool = False,
) -> Decision:
    return Decision(
        appointment=appointment,
        outcome=verdict.FAILED,
        category=hindrance.category,
        reasons=hindrance.reason,
        missing=lines,
        at_stake=verdict.worth(lines) if priced else None,
        blocked_by=hindrance.blocked_by,
        configuration=configuration,
    )
