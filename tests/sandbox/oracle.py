"""recovery.md's decision table once more, written without a look at the product: what a CSV folder calls for.

Rows 1a and 11 to 15 need a worklist, a refusing hospital or a failing one; without them this is the whole table.
"""

from collections import Counter
from decimal import Decimal
from typing import NamedTuple

from backoffice.sandbox.hospital.records import Appointment, Case, ServiceBlock
from backoffice.sandbox.hospital.tables import Tables


class Verdict(NamedTuple):
    """A row of expected.csv behind the appointment's id and start."""

    outcome: str
    category: str = ""
    reasons: str = ""
    services: str = ""
    value: str = ""


def verdict(tables: Tables, billed: dict[str, set[str]], visit: Appointment) -> Verdict:
    """The right answer for one appointment; `billed` is billed_blocks(tables)."""
    if visit.status != "FINISHED":
        return Verdict("not_billable")
    if faults := appointment_faults(visit):
        return _failed("appointment_data", *faults)
    if visit.type_code not in tables.configurations:
        return _failed("master_data", "no_service_configuration")
    due = due_quantities(tables, visit)
    if not due:
        return Verdict("nothing_to_bill")
    missing = {code: quantity for code, quantity in due.items() if code not in billed.get(visit.id, set())}
    if not missing:
        return Verdict("already_billed")
    return _short(tables, visit, missing)


def billed_blocks(tables: Tables) -> dict[str, set[str]]:
    """The blocks that each appointment has as BILLED."""
    billed: dict[str, set[str]] = {}
    for session in tables.sessions:
        codes = {service.block_code for service in session.services if service.status == "BILLED"}
        billed.setdefault(session.appointment_id, set()).update(codes)
    return billed


def appointment_faults(visit: Appointment) -> list[str]:
    """Row 2, all that apply."""
    faults = {
        "missing_type": visit.type_code is None,
        "missing_department": visit.department_id is None,
        "missing_case": visit.case_id is None,
        "ends_before_start": visit.end is not None and visit.end < visit.start,
    }
    return [name for name, found in faults.items() if found]


def due_quantities(tables: Tables, visit: Appointment) -> Counter[str]:
    """Row 4: what the rules ask for; what repeats adds up."""
    due: Counter[str] = Counter()
    for rule in tables.configurations[str(visit.type_code)].rules:
        if rule.trigger == "ALWAYS":
            due[rule.block_code] += 1
        for activity in tables.activities.get(visit.id, ()):
            if rule.activity_code == activity.code:
                due[rule.block_code] += activity.quantity
    return due


def block_fault(block: ServiceBlock | None, day: str, case: Case) -> str | None:
    """Row 9."""
    if block is None:
        return "unknown_block"
    if block.status != "ACTIVE":
        return "retired_block"
    if not block.valid_from <= day <= (block.valid_to or day):
        return "block_not_valid_on_date"
    if block.allowed_case_types and case.type not in block.allowed_case_types:
        return "case_type_not_allowed"
    return None


def _short(tables: Tables, visit: Appointment, missing: dict[str, int]) -> Verdict:
    """Rows 6 to 16."""
    center = tables.cost_centers.get(str(visit.department_id))
    if center is None or not center.active:
        return _failed("master_data", "no_cost_center")
    if visit.department_id not in tables.physicians:
        return _failed("master_data", "no_responsible_physician")
    case = tables.cases.get(str(visit.case_id))
    if case is None:
        return _failed("appointment_data", "unknown_case")
    return _written(tables, visit, case, missing)


def _written(tables: Tables, visit: Appointment, case: Case, missing: dict[str, int]) -> Verdict:
    faults = {code: block_fault(tables.blocks.get(code), visit.start[:10], case) for code in missing}
    reasons = [f"{code}:{fault}" for code, fault in faults.items() if fault]
    good = sorted(code for code, fault in faults.items() if not fault)
    if not good:
        return _failed("service_block", *reasons)
    if case.status == "CLOSED":
        return _failed("validation", "CASE_CLOSED")
    services = ";".join(f"{code}x{missing[code]}" for code in good)
    value = sum((tables.blocks[code].price * missing[code] for code in good), Decimal(0))
    if not reasons:
        return Verdict("recovered", services=services, value=str(value))
    return Verdict("partially_recovered", "service_block", ";".join(sorted(reasons)), services, str(value))


def _failed(category: str, *reasons: str) -> Verdict:
    return Verdict("failed", category, ";".join(sorted(reasons)))
