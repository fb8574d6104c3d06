"""The commit of a chunk, inside the one transaction that the kernel gives: a handful of queries, whatever its size."""

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal

from django.db import connection
from django.utils import timezone

from backoffice.runs.job import Result
from backoffice.runs.models import Failure, Resolution
from clinic.models import (
    ACTIONABLE,
    MissingService,
    MissingServiceStatus,
    RecoveryWindow,
    ServiceWrite,
    UnsupportedService,
)
from clinic.recovery import verdict
from clinic.recovery.scope import Recovery, Window
from clinic.recovery.verdict import Decision, quantities, worth
from clinic.recovery.work import Work, figures
from clinic.urgency import priority_of

# A later run overwrites what it has seen anew; who works on a row, the note and the dismissal are finance's own.
RENEWED = (
    "start", "department_id", "patient_id", "type_code", "status", "outcome", "category", "reasons", "detail",
    "services", "value", "missing", "at_stake", "filing_deadline", "priority", "blocked_by", "run", "updated_at",
)  # fmt: skip
Known = dict[str, MissingService]


def commit(recovery: Recovery, result: Result) -> None:
    """The rows of one chunk, or of what was settled."""
    work: Work = result.rows
    decisions = [*work.decisions, *work.late]
    known = _known(recovery, decisions)
    _keep_short(recovery, work, decisions, known)
    _close_gaps(recovery, decisions, known)
    _close_failures(recovery, decisions)
    _close_writes(work)
    _keep_unsupported(recovery, work)
    _count_windows(recovery, work)


def _known(recovery: Recovery, decisions: list[Decision]) -> Known:
    if not decisions:
        return {}
    rows = MissingService.objects.select_for_update().filter(
        region=recovery.region, appointment_id__in=[one.appointment.id for one in decisions]
    )
    fields = ("appointment_id", "status", "dismissed_until", "updated_at")
    return {row.appointment_id: row for row in rows.only(*fields)}


def _keep_short(recovery: Recovery, work: Work, decisions: Iterable[Decision], known: Known) -> None:
    """One worklist row per appointment that is or was short of services."""
    short = (one for one in decisions if one.outcome in (*verdict.WRITTEN, verdict.FAILED))
    rows = [
        _row(recovery, one, _status(recovery, one, known.get(one.appointment.id)))
        for one in short
        if not (recovery.preview and _is_newer(known.get(one.appointment.id), work))
    ]
    if rows:
        MissingService.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=("region", "appointment_id"), update_fields=RENEWED
        )


def _is_newer(row: MissingService | None, work: Work) -> bool:
    """What a writing run or a person has said stays as it is: a preview only adds, and replaces previews."""
    return row is not None and (row.status in _STANDING or row.updated_at >= work.read_at)


_STANDING = (MissingServiceStatus.OPEN, MissingServiceStatus.DISMISSED)


def _status(recovery: Recovery, decision: Decision, row: MissingService | None) -> MissingServiceStatus:
    if recovery.preview:
        return MissingServiceStatus.FOUND
    if decision.outcome == verdict.RECOVERED:
        return MissingServiceStatus.CLOSED
    if row is None or row.status != MissingServiceStatus.DISMISSED:
        return MissingServiceStatus.OPEN
    if row.dismissed_until is None or row.dismissed_until >= recovery.today():
        return MissingServiceStatus.DISMISSED  # while the chunk was under way
    return MissingServiceStatus.OPEN


def _row(recovery: Recovery, decision: Decision, status: MissingServiceStatus) -> MissingService:
    appointment = decision.appointment
    missing, at_stake = decision.missing, decision.at_stake
    if recovery.preview and decision.outcome in verdict.WRITTEN:
        missing = (*decision.services, *decision.missing)
        at_stake = worth(missing)
    deadline = recovery.filing_deadline(appointment.start)
    return MissingService(
        region=recovery.region,
        appointment_id=appointment.id,
        start=appointment.start,
        department_id=appointment.department_id or "",
        patient_id=appointment.patient_id or "",
        type_code=appointment.type_code or "",
        status=status,
        outcome=decision.outcome,
        category=decision.category,
        reasons=decision.reasons,
        detail=decision.detail,
        services=quantities(decision.services),
        value=decision.value if decision.services else None,
        missing=quantities(missing),
        at_stake=at_stake,
        filing_deadline=deadline,
        priority=priority_of(at_stake, deadline, recovery.today(), recovery.region.filing_days),
        blocked_by=decision.blocked_by,
        run=recovery.run,
    )


def _close_gaps(recovery: Recovery, decisions: Iterable[Decision], known: Known) -> None:
    """Rows that this run finds billed, or no longer due, are closed by the program itself."""
    closable = {appointment for appointment, row in known.items() if row.status in ACTIONABLE}
    by_outcome: dict[str, list[str]] = {}
    for one in decisions:
        if one.outcome in verdict.GAP_CLOSED and one.appointment.id in closable:
            by_outcome.setdefault(one.outcome, []).append(one.appointment.id)
    for outcome, ids in by_outcome.items():
        MissingService.objects.filter(region=recovery.region, appointment_id__in=ids).update(
            status=MissingServiceStatus.CLOSED, outcome=outcome, category="", reasons="", detail="", missing="",
            at_stake=Decimal(0), priority=Decimal(0), blocked_by="", run=recovery.run, updated_at=timezone.now(),
        )  # fmt: skip


def _close_failures(recovery: Recovery, decisions: Iterable[Decision]) -> None:
    """Failures of earlier runs are fixed once their appointment's gap is closed: not by a preview's words, and not by a
    recovery in part."""
    fixed = verdict.GAP_CLOSED if recovery.preview else (verdict.RECOVERED, *verdict.GAP_CLOSED)
    ids = [one.appointment.id for one in decisions if one.outcome in fixed]
    if ids:
        Failure.objects.filter(
            run__region=recovery.region, run__job=recovery.run.job, reference__in=ids, resolution=Resolution.OPEN
        ).update(resolution=Resolution.FIXED, resolved_at=timezone.now())


def _close_writes(work: Work) -> None:
    """Intents get the state that they have come to; what a preview would write is kept beside them."""
    if work.previews:
        ServiceWrite.objects.bulk_create(work.previews)
    if work.writes:
        # One plain statement; bulk_update's is a CASE of 800 branches, and costs more than the rest of the commit.
        closed = [(row.state, row.session_id, row.settled, row.late, row.pk) for row in work.writes]
        with connection.cursor() as cursor:
            cursor.executemany(
                "UPDATE clinic_servicewrite SET state = %s, session_id = %s, settled = %s, late = %s WHERE id = %s",
                closed,
            )


def _keep_unsupported(recovery: Recovery, work: Work) -> None:
    """What is billed without support is listed, and closed when it is no longer found."""
    rows = [
        UnsupportedService(
            region=recovery.region, appointment_id=one.appointment.id, start=one.appointment.start,
            session_id=one.session_id, block_code=one.block_code, quantity=one.quantity, reason=one.reason,
            run=recovery.run, closed=False,
        )
        for one in work.unsupported
    ]  # fmt: skip
    if work.judged:
        listed = UnsupportedService.objects.filter(region=recovery.region, appointment_id__in=work.judged, closed=False)
        found = {(row.session_id, row.block_code) for row in rows}
        gone = [pk for pk, *key in listed.values_list("pk", "session_id", "block_code") if tuple(key) not in found]
        if gone:
            UnsupportedService.objects.filter(pk__in=gone).update(closed=True)
    if rows:
        UnsupportedService.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=("region", "session_id", "block_code"),
            update_fields=("appointment_id", "start", "quantity", "reason", "run", "closed"),
        )


def _count_windows(recovery: Recovery, work: Work) -> None:
    """One statement a window: a run in windows of a day has thousands of them, and most are empty."""
    for number in sorted({*work.decided, *([] if work.completes is None else [work.completes])}):
        window, decisions = work.windows[number], work.decided.get(number, [])
        row = _window_row(recovery, window)
        counted = figures(decisions)
        row.scanned += len(decisions)
        row.outcomes = dict(Counter(row.outcomes) + Counter(one.outcome for one in decisions))
        row.services += int(counted["services"])
        row.value += Decimal(counted["value"])
        row.begins, row.ends = min(row.begins, window.begins), max(row.ends, window.ends)
        row.complete = row.complete or number == work.completes
        row.save()
        if row.complete:
            del recovery.open_windows[number]


def _window_row(recovery: Recovery, window: Window) -> RecoveryWindow:
    """The window's row as an earlier chunk or attempt left it, or a new one."""
    return recovery.open_windows.setdefault(
        window.number,
        RecoveryWindow(chain=recovery.chain, number=window.number, begins=window.begins, ends=window.ends),
    )
