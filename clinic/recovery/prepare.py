"""The first phase of a chunk: decide each appointment of the page in threads; no transaction open."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from django.db.models import Q

from backoffice.adapters.hospital_types import (
    Appointment,
    Block,
    Case,
    Configuration,
    CostCenter,
    HospitalUnavailable,
    Physician,
)
from backoffice.runs.job import Chunk, Fault, Result
from backoffice.runs.kernel import each
from clinic.models import MissingService, MissingServiceStatus, WriteState
from clinic.recovery import verdict
from clinic.recovery.answers import previewed
from clinic.recovery.decide import LookupFailed, decide
from clinic.recovery.intents import bare_appointment, intent_row
from clinic.recovery.scope import Recovery, refusal_ends_the_run
from clinic.recovery.unsupported import Unsupported, unsupported
from clinic.recovery.verdict import Decision, Plan
from clinic.recovery.windows import Reading, SessionsById
from clinic.recovery.work import Draft, Work, result_of

Answer = TypeVar("Answer")
Verdict = Decision | Plan

# Beyond these no hospital bills and no money column holds the sum: a slip of the keyboard, not a service.
MOST_MONEY = Decimal(10) ** 11
MOST_QUANTITY = 2**31 - 1


def prepare(recovery: Recovery, chunk: Chunk) -> Result:
    """Decide every appointment of the page; what is to be written becomes intents, in a preview outcomes."""
    reading: Reading = chunk.data
    number = reading.window.number
    work = Work(windows={number: reading.window}, completes=number if reading.last else None, read_at=reading.read_at)
    appointments = [one for one in reading.appointments if one.id not in recovery.settled]
    judge = _Judge(recovery, reading.sessions, _dismissed(recovery, appointments))
    drafts = []
    for appointment, answer in zip(
        appointments, each(judge, appointments, concurrency=recovery.concurrency), strict=True
    ):
        found, without_support = answer if not isinstance(answer, Fault) else (_unexpected(appointment, answer), None)
        if without_support is not None:
            work.judged.append(appointment.id)
            work.unsupported += without_support
        if isinstance(found, Decision):
            work.decide(number, found)
        else:
            drafts.append(Draft(plan=found, window=number))
    for row in reading.lost:
        work.decide(number, _not_found(row))
    if recovery.preview:
        drafts = _preview(recovery, work, drafts)
    return result_of(recovery, work, drafts)


class _Judge:
    """Decides one appointment, in a thread."""

    def __init__(self, recovery: Recovery, sessions: SessionsById | None, dismissed: set[str]) -> None:
        self.masters = RunMasters(recovery)
        self.sessions = sessions
        self.dismissed = dismissed

    def __call__(self, appointment: Appointment) -> tuple[Verdict, list[Unsupported] | None]:
        sessions = None if self.sessions is None else self.sessions[appointment.id]
        found = decide(appointment, sessions, self.masters, dismissed=appointment.id in self.dismissed)
        return plausible(found), unsupported(appointment, sessions or (), found.configuration)


@dataclass(frozen=True, slots=True)
class RunMasters:
    """The run's cached lookups as the decision table asks them."""

    recovery: Recovery

    def configuration(self, type_code: str) -> Configuration | None:
        return self._ask("configuration", self.recovery.lookups.configuration, type_code)

    def cost_center(self, department_id: str) -> CostCenter | None:
        return self._ask("cost_center", self.recovery.lookups.cost_center, department_id)

    def physician(self, department_id: str) -> Physician | None:
        return self._ask("physician", self.recovery.lookups.physician, department_id)

    def case(self, case_id: str) -> Case | None:
        return self._ask("case", self.recovery.lookups.case, case_id)

    def block(self, code: str) -> Block | None:
        return self._ask("block", self.recovery.lookups.block, code)

    def _ask(self, kind: str, lookup: Callable[[str], Answer], key: str) -> Answer:
        try:
            with refusal_ends_the_run():
                return lookup(key)
        except HospitalUnavailable:
            raise LookupFailed(kind) from None


def plausible(found: Verdict) -> Verdict:
    """Row 2 for what the table does not foresee: quantities that no visit has."""
    lines = found.missing if isinstance(found, Decision) else (*found.lines, *(one.line for one in found.dropped))
    if verdict.worth(lines) < MOST_MONEY and all(line.quantity <= MOST_QUANTITY for line in lines):
        return found
    return Decision(
        appointment=found.appointment, outcome=verdict.FAILED, category="appointment_data",
        reasons="implausible_quantity", at_stake=None, configuration=found.configuration,
    )  # fmt: skip


def _dismissed(recovery: Recovery, appointments: Sequence[Appointment]) -> set[str]:
    """Those that finance does not want written, and whose dismissal has not expired in the region's zone."""
    rows = MissingService.objects.filter(
        Q(dismissed_until=None) | Q(dismissed_until__gte=recovery.today()),
        region=recovery.region,
        status=MissingServiceStatus.DISMISSED,
        appointment_id__in=[one.id for one in appointments],
    )
    return set(rows.values_list("appointment_id", flat=True)) if appointments else set()


def _unexpected(appointment: Appointment, fault: Fault) -> Decision:
    return Decision(
        appointment=appointment, outcome=verdict.FAILED, category=fault.category, reasons=fault.reason, at_stake=None
    )


def _not_found(row: MissingService) -> Decision:
    """A single appointment that was to be read again is no longer where it was: moved, or deleted."""
    return Decision(
        appointment=bare_appointment(row.appointment_id, row.start, row.patient_id, row.department_id, row.type_code),
        outcome=verdict.FAILED, category="appointment_data", reasons="appointment_not_found", at_stake=None,
    )  # fmt: skip


def _preview(recovery: Recovery, work: Work, drafts: Sequence[Draft]) -> list[Draft]:
    """Each plan's outcome as far as it can be known without writing; nothing is left to be written."""
    for draft in drafts:
        decision = previewed(draft.plan)
        work.decide(draft.window, decision)
        if decision.outcome in verdict.WRITTEN:
            work.previews.append(intent_row(recovery, draft, WriteState.PREVIEWED))
    return []
