"""The other direction: billed services that no rule and no activity supports. They are listed, never cancelled."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from backoffice.adapters.hospital_types import Appointment, Configuration, Session
from clinic.models import UnsupportedService
from clinic.recovery.decide import due_quantities

Reason = UnsupportedService.Reason
INT_MAX = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A block that is billed in one session of an appointment, without a cause."""

    appointment: Appointment
    session_id: str
    block_code: str
    quantity: int
    reason: str


def unsupported(
    appointment: Appointment, sessions: Iterable[Session], configuration: Configuration | None
) -> list[Unsupported] | None:
    """What is billed without support; None where nobody can say: a visit still to come, a type not configured."""
    if appointment.status in ("CANCELLED", "NOSHOW"):
        ruled, due = set(), set()
    elif appointment.status == "FINISHED" and configuration is not None:
        ruled = {rule.block_code for rule in configuration.rules}
        due = set(due_quantities(configuration, appointment.activities))
    else:
        return None
    found = []
    for session in sessions:
        billed: Counter[str] = Counter()
        for one in session.services:
            if one.status == "BILLED" and one.block_code not in due:
                billed[one.block_code] += one.quantity
        for code, quantity in sorted(billed.items()):
            reason = _reason(appointment, code in ruled)
            found.append(Unsupported(appointment, session.id, code, min(quantity, INT_MAX), reason))
    return found


def _reason(appointment: Appointment, ruled: bool) -> str:
    if appointment.status != "FINISHED":
        return Reason.VISIT_NOT_FINISHED.value
    return Reason.NOT_PERFORMED.value if ruled else Reason.NO_RULE.value
