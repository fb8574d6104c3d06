"""The first phase of a chunk: what was judged of its page meets what our own rows say; no transaction open."""

from collections.abc import Sequence

from django.db.models import Q

from backoffice.adapters.hospital_types import Appointment
from backoffice.runs.job import Chunk, Fault, Result
from clinic.models import MissingService, MissingServiceStatus, WriteState
from clinic.recovery import verdict
from clinic.recovery.answers import previewed
from clinic.recovery.decide import decide
from clinic.recovery.intents import bare_appointment, intent_row
from clinic.recovery.judge import Judged, Judgement, RunMasters
from clinic.recovery.scope import Recovery
from clinic.recovery.verdict import Decision
from clinic.recovery.work import Draft, Work, result_of


def prepare(recovery: Recovery, chunk: Chunk) -> Result:
    """Every appointment of the page gets its outcome, or becomes an intent; in a preview, the outcome it would have."""
    judged: Judged = chunk.data
    reading, number = judged.reading, judged.reading.window.number
    work = Work(windows={number: reading.window}, completes=number if reading.last else None, read_at=reading.read_at)
    dismissed = _dismissed(recovery, reading.appointments)
    drafts = []
    for appointment, judgement in zip(reading.appointments, judged.judgements, strict=True):
        if appointment.id in recovery.settled:
            continue
        found, without_support = _final(recovery, appointment, judgement, appointment.id in dismissed)
        if without_support is not None:
            work.judged.append(appointment.id)
            work.unsupported += without_support
        if isinstance(found, Decision):
            work.decide(number, found)
        else:
            drafts.append(Draft(plan=found, window=number))
    for row in reading.lost:
        work.decide(number, _not_found(row))
    return result_of(recovery, work, _preview(recovery, work, drafts) if recovery.preview else drafts)


def _dismissed(recovery: Recovery, appointments: Sequence[Appointment]) -> set[str]:
    """Those that finance does not want written, and whose dismissal has not expired in the region's zone."""
    rows = MissingService.objects.filter(
        Q(dismissed_until=None) | Q(dismissed_until__gte=recovery.today()),
        region=recovery.region,
        status=MissingServiceStatus.DISMISSED,
        appointment_id__in=[one.id for one in appointments],
    )
    return set(rows.values_list("appointment_id", flat=True)) if appointments else set()


def _final(recovery: Recovery, appointment: Appointment, judgement: Judgement | Fault, dismissed: bool) -> Judgement:
    """Row 1a, and what no row foresees."""
    if dismissed:
        return decide(appointment, None, RunMasters(recovery), dismissed=True), None
    if isinstance(judgement, Fault):
        category, reasons = judgement.category, judgement.reason
        failed = Decision(
            appointment=appointment, outcome=verdict.FAILED, category=category, reasons=reasons, at_stake=None
        )
        return failed, None
    return judgement


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
