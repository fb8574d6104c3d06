"""What earlier attempts intended and did not close is looked up by its key before anything else is read.

Two kinds. Intents of this chain were in the chunk that did not commit: found ones are counted here, as row 16, and not
read again; the others are read again with their chunk. Unknown writes of the region have been counted as failed
already, and intents of other chains belong to runs that died (a region has one writing run at a time): a found one
closes its worklist row and failure, and is in no run's figures.
"""

from collections.abc import Sequence

from django.utils import timezone

from backoffice.adapters.hospital import Hospital
from backoffice.adapters.hospital_types import HospitalUnavailable, Session
from backoffice.runs.job import Fault, Result
from backoffice.runs.kernel import each
from clinic.models import ServiceWrite, WriteState
from clinic.recovery.answers import accepted
from clinic.recovery.intents import plan_of, sessions_recorded
from clinic.recovery.scope import Recovery, Window, refusal_ends_the_run
from clinic.recovery.verdict import WRITTEN
from clinic.recovery.windows import window_at
from clinic.recovery.work import Work, result_of


class Unanswered:
    """The hospital did not say whether it has the session."""


def settle(recovery: Recovery) -> Result:
    """Close what is open. A preview settles nothing: a writing run may be at work on the very same rows.

    A session is recorded once: by this chain's own intent before any other, since that one is counted here.
    """
    if recovery.preview:
        return Result(rows=Work(windows={}, read_at=timezone.now()))
    counted = ServiceWrite.objects.filter(run__chain=recovery.chain, settled=True)
    recovery.settled.update(counted.values_list("appointment_id", flat=True))
    rows = _open_writes(recovery)
    windows = {row.window: _window(recovery, row) for row in rows if _mine(recovery, row)}
    work = Work(windows=windows, read_at=timezone.now())
    work.writes += _superseded(recovery, rows)
    asked = [row for row in rows if row.state != WriteState.REFUSED]
    answers = each(lambda row: look_up(recovery.hospital, row.idempotency_key), asked, concurrency=recovery.concurrency)
    recorded = sessions_recorded(recovery.region, [answer for answer in answers if isinstance(answer, Session)])
    for row, answer in zip(asked, answers, strict=True):
        if isinstance(answer, Unanswered | Fault):
            _unanswered(recovery, work, row)
        elif answer is None or answer.id in recorded:
            row.state = WriteState.NOT_WRITTEN
        else:
            _found(recovery, work, row, answer)
            recorded.add(answer.id)
        work.writes.append(row)
    return result_of(recovery, work, [])


def look_up(hospital: Hospital, key: str) -> Session | Unanswered | None:
    """What the key has created, in a thread."""
    with refusal_ends_the_run():
        try:
            return hospital.session_by_key(key)
        except HospitalUnavailable:
            return Unanswered()


def _open_writes(recovery: Recovery) -> list[ServiceWrite]:
    states = (WriteState.INTENDED, WriteState.UNKNOWN)
    rows = ServiceWrite.objects.filter(state__in=states, region=recovery.region).select_related("run")
    return sorted(rows, key=lambda row: (not _mine(recovery, row), row.pk))


def _mine(recovery: Recovery, row: ServiceWrite) -> bool:
    """Whether it was in the chunk that this chain did not commit."""
    return row.state == WriteState.INTENDED and row.run.chain == recovery.chain


def _superseded(recovery: Recovery, rows: Sequence[ServiceWrite]) -> list[ServiceWrite]:
    """Intents that a later one of the same appointment followed: only a refusal makes a second attempt."""
    mine = [row for row in rows if _mine(recovery, row)]
    last = {row.appointment_id: row for row in mine}
    refused = [row for row in mine if last[row.appointment_id] is not row]
    for row in refused:
        row.state = WriteState.REFUSED
    return refused


def _unanswered(recovery: Recovery, work: Work, row: ServiceWrite) -> None:
    """Row 14 for this chain's own intent: failed, and kept for the next run. An unknown one stays what it is."""
    if _mine(recovery, row):
        row.state = WriteState.UNKNOWN
        _count(recovery, row)
        work.decide(row.window, plan_of(row).failed("write_path", "unknown"))


def _found(recovery: Recovery, work: Work, row: ServiceWrite, session: Session) -> None:
    decision = accepted(plan_of(row), session)
    if decision.outcome not in WRITTEN:  # cancelled since: read again, its next key is another
        row.state = WriteState.REFUSED
        return
    mine = _mine(recovery, row)
    row.state, row.session_id = WriteState.WRITTEN, session.id
    if mine:
        _count(recovery, row)
        work.decide(row.window, decision)
    else:
        row.late = True
        work.late.append(decision)


def _count(recovery: Recovery, row: ServiceWrite) -> None:
    row.settled = True
    recovery.settled.add(row.appointment_id)


def _window(recovery: Recovery, row: ServiceWrite) -> Window:
    if "only" in recovery.parameters:
        return Window(row.window, row.window + 1, row.start, row.start)
    return window_at(recovery, row.window)
