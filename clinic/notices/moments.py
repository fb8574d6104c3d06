"""When messages are due: pure functions of instants and zones (contract X-16).

The clinic's day and its 08:00 are those of the region's zone [S3-21]; quiet hours are those of the patient's.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from clinic.booking.zones import QUIET_FROM, instant_at, next_clock
from clinic.booking.zones import is_quiet as is_quiet
from clinic.booking.zones import not_at_night as not_at_night

MORNING, EVENING = time(8), time(20)
BEFORE = timedelta(hours=2)
# A reminder that would come later than so long before the visit comes the evening before.
LEAD = timedelta(minutes=30)
DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Visit:
    """When it begins, in which zone the clinic is, and in which the patient."""

    begins: datetime
    clinic: ZoneInfo
    patient: ZoneInfo

    @property
    def latest(self) -> datetime:
        """After this no reminder is of use."""
        return self.begins - LEAD


def last_clock(before: datetime, clock: time, zone: ZoneInfo) -> datetime:
    """When the clock there showed that time last."""
    day = before.astimezone(zone).date()
    today = instant_at(day, clock, zone)
    return today if today < before else instant_at(day - DAY, clock, zone)


def night_begins(at: datetime, zone: ZoneInfo) -> datetime:
    """When it is night there next, or now."""
    return at if is_quiet(at, zone) else next_clock(at, QUIET_FROM, zone)


def morning_moment(visit: Visit) -> datetime:
    """When the reminder of the morning is due: 08:00 of the visit's day, else the evening before."""
    nominal = instant_at(visit.begins.astimezone(visit.clinic).date(), MORNING, visit.clinic)
    moment = not_at_night(nominal, visit.patient)
    if moment <= visit.latest:
        return moment
    return last_clock(min(nominal, visit.latest), EVENING, visit.patient)


def before_moment(visit: Visit) -> datetime | None:
    """When the reminder before the visit is due: two hours before, 08:00, or the evening before.

    None: at a moment at which the reminder of the morning goes as well, and says the same.
    """
    nominal, morning = visit.begins - BEFORE, morning_moment(visit)
    if not is_quiet(nominal, visit.patient):
        return None if nominal == morning else nominal
    moment = not_at_night(nominal, visit.patient)
    if moment > visit.latest or moment == morning:
        moment = last_clock(nominal, EVENING, visit.patient)
    return None if moment == morning else moment


def useful_until(moment: datetime, other: datetime | None, visit: Visit) -> datetime:
    """Until when a late reminder is still sent: until the other one is due, or it comes too late for the visit."""
    return other if other is not None and other > moment else visit.latest
