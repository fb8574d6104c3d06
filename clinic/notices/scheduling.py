"""The day's reminders of a region: what schedule_notifications does [S3-17]."""

from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from clinic.notices.models import Notice, State
from clinic.notices.moving import move
from clinic.notices.planning import appointments_soon, bring_up_to_date, name_unplanned
from regions.models import Region


@dataclass(frozen=True, kw_only=True, slots=True)
class Scheduled:
    """How many visits were looked at, and what was found too late to be sent: made up for no more."""

    appointments: int
    missed: list[Notice]


def schedule(region: Region) -> Scheduled:
    """Bring the ledger up to date for the visits of today and tomorrow, and close what is too late."""
    number, missed = 0, []
    for appointment in list(appointments_soon(region, timezone.now())):
        number += 1
        with transaction.atomic():
            missed += [row for row in bring_up_to_date(appointment) if row.reason == "past"]
    return Scheduled(appointments=number, missed=missed + name_unplanned(region, timezone.now()) + close_late(region))


def close_late(region: Region) -> list[Notice]:
    """Planned rows whose use has ended, as after a day without a sender; those that this call has closed."""
    late = Notice.objects.filter(region=region, state=State.PLANNED, useful_until__lt=timezone.now())
    return [row for row in late if move(row, [State.PLANNED], State.NOT_SENT, "past")]
