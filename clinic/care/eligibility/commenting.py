"""The comments of coverage checks, as the appointment's page and the API show them (contract S3-05)."""

from collections.abc import Iterator
from datetime import datetime

from clinic.booking.models import Appointment
from clinic.booking.outside.comments import Comment
from clinic.care.models import AppointmentComment


def comments_of(appointment: Appointment) -> Iterator[Comment]:
    """None of one that was emptied with its patient."""
    for row in AppointmentComment.objects.filter(appointment=appointment).select_related("report").order_by("pk"):
        if row.text:
            yield Comment(text=str(row.text), by=_by(row), at=_at(row))


def _by(row: AppointmentComment) -> str:
    return "check_eligibility" if row.report is None else f"check_eligibility, run {row.report.run_id}"


def _at(row: AppointmentComment) -> datetime:
    """Of the answer that it tells of."""
    return row.created_at if row.report is None else row.report.answered_at or row.created_at
