"""What an answer changes: the report, the patient's insurance status, and a comment at the next appointment."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils import timezone

from backoffice.adapters.eligibility import Checked, NoFunds, NotAsked, Pending, Processed, Rejected, Unknown
from backoffice.formats import moment
from clinic.booking.models import Appointment
from clinic.booking.states import EXPECTED
from clinic.care.eligibility.spend import give_back
from clinic.care.models import AppointmentComment, EligibilityInformation, EligibilityReport
from clinic.care.models.eligibility import Coverage
from clinic.patients.locking import lock_all

State = EligibilityReport.State
EARLIER, ASKED_WITH = "earlier", "asked_with"
REMOVED = "patient_removed"
# What an answer changes of a report.
WRITTEN = ("state", "code", "calls", "request_id", "coverage", "answer", "answered_at")


def apply_all(came: Sequence[tuple[EligibilityReport, Checked]], *, polled: bool = False) -> None:
    """In the caller's transaction: what came for each report, as the report stands now.

    Of a patient who was removed meanwhile nothing is kept, and of what was billed the others' answers are all the same.
    """
    patients = lock_all(report.patient_id for report, _ in came)
    reports = EligibilityReport.objects.select_related("region").in_bulk([report.pk for report, _ in came])
    for asked, checked in came:
        report = reports.get(asked.pk)
        if report is not None and report.patient_id in patients:
            apply(report, checked, polled=polled)
        else:
            _of_removed(asked, checked)


def _of_removed(report: EligibilityReport, checked: Checked) -> None:
    """A report that is gone is not written, one that is anonymous has an end without an answer."""
    billed = not isinstance(checked, NotAsked | NoFunds)
    if not billed:
        give_back(report.region, report.month)
    EligibilityReport.objects.filter(pk=report.pk).update(
        state=State.PROCESSED if billed else State.OPEN, code=REMOVED, calls=report.calls - (not billed)
    )


def apply(report: EligibilityReport, checked: Checked, *, polled: bool = False) -> None:
    """With the patient held. `polled`: what no poll can tell changes nothing, since it costs nothing to ask again; the
    call that it polls for is spent."""
    if isinstance(checked, Processed | Rejected):
        _answered(report, checked)
    elif isinstance(checked, Pending):
        report.state, report.request_id, report.code = State.PENDING, checked.request_id, ""
    elif polled:
        return
    elif isinstance(checked, Unknown):
        report.state, report.code = State.UNKNOWN, checked.code
    else:
        _not_billed(report, checked)
    report.save(update_fields=WRITTEN)


def _not_billed(report: EligibilityReport, checked: NotAsked | NoFunds) -> None:
    report.state, report.code = State.OPEN, checked.code if isinstance(checked, NotAsked) else "no_funds"
    report.calls -= 1
    give_back(report.region, report.month)


def _answered(report: EligibilityReport, checked: Processed | Rejected) -> None:
    now = timezone.now()
    report.answered_at = now
    report.code = ""
    report.coverage = checked.report.coverage if isinstance(checked, Processed) else Coverage.UNKNOWN
    report.state = State.PROCESSED if isinstance(checked, Processed) else State.REJECTED
    number = checked.report.request_id if isinstance(checked, Processed) else checked.request_id
    report.request_id = number or report.request_id
    report.answer = {**_kept(report.answer), **_said(checked)}
    EligibilityInformation.objects.filter(pk=report.information_id).update(status=report.coverage, status_at=now)
    _comment(report, checked)


def _kept(answer: Mapping[str, Any]) -> dict[str, Any]:
    """What it was asked with, and what was answered before that was corrected, the newest last."""
    before = dict(answer)
    kept = {ASKED_WITH: before.pop(ASKED_WITH, "")}
    earlier = [*before.pop(EARLIER, []), *([before] if before else [])]
    return {**kept, EARLIER: earlier} if earlier else kept


def _said(checked: Processed | Rejected) -> dict[str, Any]:
    """Word for word."""
    if isinstance(checked, Processed):
        return {"document": dict(checked.report.document)}
    return {
        "message": checked.message,
        "payer_message": checked.payer_message,
        "follow_up": checked.follow_up,
        "resolution": checked.resolution,
    }


def _comment(report: EligibilityReport, checked: Processed | Rejected) -> None:
    """At the patient's next appointment that is still expected; none where there is none."""
    upcoming = Appointment.objects.filter(
        region=report.region_id, patient=report.patient_id, state__in=EXPECTED, begins__gte=timezone.now()
    )
    appointment = upcoming.order_by("begins").first()
    if appointment is None:
        return
    comment = AppointmentComment.objects.filter(appointment=appointment, report=report).first()
    comment = comment or AppointmentComment(region=report.region, appointment=appointment, report=report)
    comment.text = _in_words(report, checked)
    comment.save()


def _in_words(report: EligibilityReport, checked: Processed | Rejected) -> str:
    at = moment(report.answered_at, report.region.zone)
    if isinstance(checked, Rejected):
        why = ". ".join(text.rstrip(".") for text in (checked.payer_message, checked.message) if text)
        return f"Insurance not confirmed ({at}). The payer's words: {why}."
    found = checked.report
    until = f", until {found.expires}" if found.expires else ""
    plan = f", {found.plan_name}" if found.plan_name else ""
    return f"Insurance {Coverage(found.coverage).label.lower()} ({at}){plan}{until}."
