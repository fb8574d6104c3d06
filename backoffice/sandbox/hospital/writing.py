"""What a hospital refuses by itself when a session is written."""

from collections.abc import Mapping
from typing import Protocol

from backoffice.sandbox.hospital.records import (
    Appointment,
    Case,
    CostCenter,
    Physician,
    ServiceBlock,
    ServiceSession,
    SessionInput,
    WriteError,
)


class Known(Protocol):
    """The part of the store that a write is judged by."""

    appointments: dict[str, Appointment]
    cases: dict[str, Case]
    cost_centers: dict[str, CostCenter]
    physicians: dict[str, Physician]
    blocks: dict[str, ServiceBlock]

    def sessions_of(self, appointment_ids: list[str]) -> list[ServiceSession]: ...


def refusals(known: Known, wanted: SessionInput, refused_blocks: Mapping[str, str]) -> list[WriteError]:
    """Every reason against `wanted`; empty when it may be written.

    Faults of the whole come alone: blockCode promises that the other blocks would have been accepted, which is not so
    on a closed case.
    """
    invalid = _invalid(known, wanted)
    if invalid:
        return [WriteError("VALIDATION_FAILED", reason) for reason in invalid]
    case = known.cases[wanted.case_id]
    if case.status == "CLOSED":
        return [WriteError("CASE_CLOSED", "the case is closed")]
    appointment = known.appointments[wanted.appointment_id]
    sessions = known.sessions_of([appointment.id])
    billed = {service.block_code for one in sessions for service in one.services if service.status == "BILLED"}
    errors = []
    for code in dict.fromkeys(service.block_code for service in wanted.services):
        fault = refused_blocks.get(code) or _block_fault(known.blocks.get(code), appointment.start[:10], case.type)
        if fault is None and code in billed:
            fault = "BLOCK_ALREADY_BILLED"
        if fault is not None:
            errors.append(WriteError(fault, f"block {code} is refused", code))
    return errors


def _invalid(known: Known, wanted: SessionInput) -> list[str]:
    checks = (
        (bool(wanted.idempotency_key), "idempotencyKey is empty"),
        (wanted.appointment_id in known.appointments, "appointmentId is unknown"),
        (wanted.case_id in known.cases, "caseId is unknown"),
        (any(one.id == wanted.cost_center_id for one in known.cost_centers.values()), "costCenterId is unknown"),
        (any(one.id == wanted.physician_id for one in known.physicians.values()), "physicianId is unknown"),
        (bool(wanted.services), "services is empty"),
        (all(service.quantity >= 1 for service in wanted.services), "quantity is below 1"),
    )
    return [reason for passed, reason in checks if not passed]


def _block_fault(block: ServiceBlock | None, day: str, case_type: str) -> str | None:
    if block is None or block.status != "ACTIVE":
        return "BLOCK_NOT_VALID"
    if day < block.valid_from or (block.valid_to is not None and day > block.valid_to):
        return "BLOCK_NOT_VALID"
    if block.allowed_case_types and case_type not in block.allowed_case_types:
        return "BLOCK_NOT_VALID"
    return None
