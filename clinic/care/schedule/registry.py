"""The table of cron's commands. A command that is not installed is left out of everything."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from django.core.management import get_commands
from django.db.models import Exists, Max, Model, OuterRef, QuerySet
from django.utils import timezone

from clinic.booking.models import Appointment, Hold
from clinic.care.models import EligibilityInformation
from clinic.events.models import Outbox
from clinic.notices.models import BedTimeEnrolment, Notice
from clinic.reports.models import Report
from clinic.uploads.models import Upload
from regions.models import Region

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
Applies = Callable[[], QuerySet[Region]]


def regions_with(model: type[Model]) -> QuerySet[Region]:
    """Regions that have a row of it, and are not paused."""
    return Region.objects.filter(Exists(model._default_manager.filter(region=OuterRef("pk")).order_by()), paused=False)


def with_something_to_clean() -> QuerySet[Region]:
    return regions_with(Appointment) | regions_with(Upload) | regions_with(Report)


def with_clearinghouse() -> QuerySet[Region]:
    return Region.objects.filter(paused=False).exclude(clearinghouse={})


def publisher_lives() -> datetime | None:
    """As a worker it ends never, and is known by its work: now where nothing waits, else when it last published."""
    if not Outbox.objects.filter(published_at=None).exists():
        return timezone.now()
    published: datetime | None = Outbox.objects.order_by().aggregate(at=Max("published_at"))["at"]
    return published


@dataclass(frozen=True, kw_only=True, slots=True)
class Scheduled:
    """One command: how often cron starts it, and how much later it is silent. `regions`: for which it is expected.

    `proof`: a sign of life of a command that may also run as a worker. `after`: what a long pause leaves undone.
    `past`: how long after each full `every`, counted from midnight in UTC, so that not all begin at once. `at_once`:
    it is started once for all regions, the others for each.
    """

    command: str
    title: str
    every: timedelta
    grace: timedelta
    regions: Applies
    proof: Callable[[], datetime | None] | None = None
    after: str = ""
    past: timedelta = timedelta(0)
    at_once: bool = False

    @property
    def rhythm(self) -> str:
        """every minute, every 15 minutes, every hour, every day."""
        units = ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"))
        unit, name = next((unit, name) for unit, name in units if not self.every % unit)
        times = self.every // unit
        return f"every {name}" if times == 1 else f"every {times} {name}s"


SCHEDULE = (
    Scheduled(
        command="publish_events", title="Events published", every=MINUTE, grace=10 * MINUTE,
        at_once=True, regions=lambda: regions_with(Outbox), proof=publisher_lives, after="Everything is made up.",
    ),
    Scheduled(
        command="track_appointment_states", title="Appointments followed", every=5 * MINUTE, grace=30 * MINUTE,
        regions=lambda: regions_with(Appointment),
        after="Who is missed is missed; the note of the state at the time itself is not made up.",
    ),
    Scheduled(
        command="schedule_notifications", title="Notifications planned", every=DAY, grace=2 * HOUR,
        past=10 * MINUTE, regions=lambda: regions_with(Appointment),
        after="What would come too late is not sent, and is said so.",
    ),
    Scheduled(
        command="send_notifications", title="Notifications sent", every=MINUTE, grace=10 * MINUTE,
        regions=lambda: regions_with(Notice) | regions_with(Hold),
        after="What is still of use is sent; the rest is said so.",
    ),
    Scheduled(
        command="send_bedtime_messages", title="Bed Time Buddy", every=MINUTE, grace=10 * MINUTE,
        regions=lambda: regions_with(BedTimeEnrolment), after="An evening that is over is not made up, and is said so.",
    ),
    Scheduled(
        command="check_eligibility", title="Coverage checked", every=HOUR, grace=3 * HOUR,
        past=20 * MINUTE, regions=lambda: regions_with(EligibilityInformation),
        after="This month is made up; a month that is over is not, since a payer answers for today.",
    ),
    Scheduled(
        command="upload_video", title="Videos checked", every=HOUR, grace=3 * HOUR,
        past=50 * MINUTE, regions=lambda: regions_with(Upload), after="Everything is made up.",
    ),
    Scheduled(
        command="list_claim_files", title="Clearinghouse files listed", every=15 * MINUTE, grace=2 * HOUR,
        past=3 * MINUTE, regions=with_clearinghouse, after="Everything is made up.",
    ),
    Scheduled(
        command="process_claim_files", title="Clearinghouse files read", every=15 * MINUTE, grace=2 * HOUR,
        past=8 * MINUTE, regions=with_clearinghouse, after="Everything is made up.",
    ),
    Scheduled(
        command="clean_up", title="Old rows deleted", every=DAY, grace=12 * HOUR,
        past=2 * HOUR + 40 * MINUTE, at_once=True, regions=with_something_to_clean,
        after="Everything is made up; a slot that has begun meanwhile is offered to nobody.",
    ),
)  # fmt: skip


@cache
def schedule() -> dict[str, Scheduled]:
    """Command → its entry, of those that are installed."""
    known = get_commands()
    return {entry.command: entry for entry in SCHEDULE if entry.command in known}


# Begun by the installation's own cron, which alone knows the folder.
BACKUP = "backup"


def noted() -> frozenset[str]:
    """The commands of which is written down when they ran: those of the schedule, and two that are no region's."""
    return frozenset({*schedule(), BACKUP, "forget_phones"})
