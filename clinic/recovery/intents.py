"""A write as it is written down before it is sent, and read back by whoever finds it open."""

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from backoffice.adapters.hospital_types import Appointment, Session
from clinic.models import ServiceWrite, WriteState
from clinic.recovery.scope import Recovery
from clinic.recovery.verdict import Destination, Dropped, Line, Plan
from clinic.recovery.work import Draft
from regions.models import Region


def idempotency_key(region: str, plan: Plan) -> str:
    """The same for the same gap: region, appointment, the set of (block, quantity), and its cancelled sessions, so that
    what a clerk has cancelled can be billed anew."""
    blocks = sorted((line.block, line.quantity) for line in plan.lines)
    material = json.dumps([region, plan.appointment.id, blocks, sorted(plan.cancelled_sessions)])
    return hashlib.sha256(material.encode()).hexdigest()


def intent_row(recovery: Recovery, draft: Draft, state: WriteState) -> ServiceWrite:
    """The row of one createServiceSession, not saved."""
    plan, decision = draft.plan, draft.plan.written()
    appointment = plan.appointment
    return ServiceWrite(
        region=recovery.region,
        run=recovery.run,
        appointment_id=appointment.id,
        start=appointment.start,
        idempotency_key=idempotency_key(recovery.region.name, plan),
        state=state,
        window=draft.window,
        services=[_stored(line) for line in plan.lines],
        service_count=len(plan.lines),
        outcome=decision.outcome,
        reasons=decision.reasons,
        value=decision.value,
        appointment={
            "patient_id": appointment.patient_id or "",
            "department_id": appointment.department_id or "",
            "type_code": appointment.type_code or "",
            "destination": list(plan.destination),
            "dropped": [[*_stored(one.line), one.reason] for one in plan.dropped],
        },
    )


def sessions_recorded(region: Region, sessions: Iterable[Session]) -> set[str]:
    """Those of the sessions that a write of ours is recorded with already."""
    ids = [session.id for session in sessions]
    rows = ServiceWrite.objects.filter(region=region, state=WriteState.WRITTEN, session_id__in=ids)
    return set(rows.values_list("session_id", flat=True)) if ids else set()


def plan_of(row: ServiceWrite) -> Plan:
    """What the row was to write."""
    known = row.appointment
    return Plan(
        appointment=bare_appointment(
            row.appointment_id, row.start, known["patient_id"], known["department_id"], known["type_code"]
        ),
        destination=Destination(*known["destination"]),
        lines=tuple(_read(line) for line in row.services),
        dropped=tuple(Dropped(_read(stored[:3]), stored[3]) for stored in known["dropped"]),
    )


def bare_appointment(id: str, start: datetime, patient_id: str, department_id: str, type_code: str) -> Appointment:
    """What our own rows remember of an appointment."""
    return Appointment(id, start, None, "FINISHED", type_code, patient_id, department_id, None, None, ())


def _stored(line: Line) -> list[Any]:
    return [line.block, line.quantity, None if line.price is None else str(line.price)]


def _read(stored: list[Any]) -> Line:
    block, quantity, price = stored
    return Line(block, quantity, None if price is None else Decimal(price))
