"""The write phase: every intent is committed before it is sent, and each answer is one of rows 11 to 16."""

import time
from functools import partial
from typing import NamedTuple

from backoffice.adapters.hospital import Hospital
from backoffice.adapters.hospital_types import HospitalUnavailable, Session, WriteError, WriteUnanswered
from backoffice.adapters.http import pause_before
from backoffice.runs.job import Fault, Result
from backoffice.runs.kernel import each
from clinic.models import ServiceWrite, WriteState
from clinic.recovery.answers import answered
from clinic.recovery.intents import intent_row
from clinic.recovery.scope import Recovery, refusal_ends_the_run
from clinic.recovery.verdict import WRITTEN, Decision, Plan
from clinic.recovery.work import Draft, Work, result_of

RETRIES = 3  # of a write that reached the hospital; the adapter retries what never arrived
PATIENCE = 5.0  # seconds


class Sent(NamedTuple):
    """What became of one write: its outcome or what is left of the plan, and its row's new state."""

    found: Decision | Plan
    state: WriteState
    session_id: str = ""


def intend(recovery: Recovery, result: Result) -> None:
    """Write-ahead rows of everything that is about to be sent."""
    rows = [intent_row(recovery, draft, WriteState.INTENDED) for draft in result.intents]
    ServiceWrite.objects.bulk_create(rows)
    for draft, row in zip(result.intents, rows, strict=True):
        draft.row = row


def act(recovery: Recovery, result: Result) -> Result:
    """Send the intents. What the hospital leaves over by refusing single blocks becomes the next intents."""
    work: Work = result.rows
    drafts: list[Draft] = list(result.intents)
    answers = each(partial(_send, recovery), drafts, concurrency=recovery.concurrency)
    left = []
    taken = ServiceWrite.objects.filter(
        region=recovery.region,
        state=WriteState.WRITTEN,
        idempotency_key__in=[draft.intent.idempotency_key for draft in drafts],
    )
    recorded = set(taken.values_list("session_id", flat=True))
    for draft, answer in zip(drafts, answers, strict=True):
        sent = _unexpected(draft, answer) if isinstance(answer, Fault) else answer
        if sent.session_id in recorded:
            # Read again after it was written, as when a clerk moves a visit to a page that was still to come.
            sent = Sent(draft.plan.already_billed(), WriteState.NOT_WRITTEN)
        row = draft.intent
        row.state, row.session_id = sent.state, sent.session_id
        work.writes.append(row)
        if isinstance(sent.found, Plan):
            left.append(Draft(plan=sent.found, window=draft.window))
        else:
            work.decide(draft.window, sent.found)
    return result_of(recovery, work, left, result.totals)


def _send(recovery: Recovery, draft: Draft) -> Sent:
    with recovery.slots:
        return send(recovery.hospital, draft)


def send(hospital: Hospital, draft: Draft) -> Sent:
    """One write, in a thread."""
    plan = draft.plan
    with refusal_ends_the_run():
        try:
            answer = _create(hospital, draft)
        except HospitalUnavailable as fault:
            return Sent(plan.failed("write_path", fault.code), WriteState.NOT_WRITTEN)
        except WriteUnanswered:
            found = _after_silence(hospital, draft)
            if found is None:
                return Sent(plan.failed("write_path", "unknown"), WriteState.UNKNOWN)
            answer = found
    found_for = answered(plan, answer)
    if isinstance(answer, Session) and isinstance(found_for, Decision) and found_for.outcome in WRITTEN:
        return Sent(found_for, WriteState.WRITTEN, answer.id)
    return Sent(found_for, WriteState.REFUSED)


def _after_silence(hospital: Hospital, draft: Draft) -> Session | tuple[WriteError, ...] | None:
    """Row 14: the key is looked up before the write is sent once more; None when nobody can say what became of it.

    A connection that breaks at once is a transport error and gets the three retries of one, each after a look-up that
    found nothing; a hospital that keeps silent for long is asked once more only.
    """
    key, begun = draft.intent.idempotency_key, time.monotonic()
    try:
        for attempt in range(1, RETRIES + 1):
            found = hospital.session_by_key(key)
            if found is not None:
                return found
            try:
                return _create(hospital, draft)
            except WriteUnanswered:
                if time.monotonic() - begun > PATIENCE:
                    break
                time.sleep(pause_before(attempt, None))
        return hospital.session_by_key(key)
    except HospitalUnavailable:
        return None


def _create(hospital: Hospital, draft: Draft) -> Session | tuple[WriteError, ...]:
    """createServiceSession; INTERNAL, which says that nothing was written, is tried again under the same key."""
    plan = draft.plan
    for attempt in range(RETRIES + 1):
        if attempt:
            time.sleep(pause_before(attempt, None))
        answer = hospital.create_session(
            key=draft.intent.idempotency_key,
            appointment_id=plan.appointment.id,
            case_id=plan.destination.case_id,
            cost_center_id=plan.destination.cost_center_id,
            physician_id=plan.destination.physician_id,
            services=[(line.block, line.quantity) for line in plan.lines],
        )
        if isinstance(answer, Session) or all(error.code != "INTERNAL" for error in answer):
            break
    return answer


def _unexpected(draft: Draft, fault: Fault) -> Sent:
    """A fault of ours while it was sent: it may have been written, so the next run looks it up."""
    return Sent(draft.plan.failed(fault.category, fault.reason), WriteState.UNKNOWN)
