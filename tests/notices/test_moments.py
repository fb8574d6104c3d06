"""When messages are due (contract S3-06, S3-21, X-16)."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinic.notices.moments import (
    LEAD,
    Visit,
    before_moment,
    is_quiet,
    morning_moment,
    night_begins,
    not_at_night,
    useful_until,
)

WEST = ZoneInfo("America/Los_Angeles")
ZONES = [
    ZoneInfo(name)
    for name in (
        "America/Los_Angeles", "America/New_York", "Pacific/Honolulu", "Asia/Jakarta", "Asia/Kathmandu",
        "Australia/Lord_Howe", "Europe/London", "UTC",
    )
]  # fmt: skip
zones = st.sampled_from(ZONES)
instants = st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
visits = st.builds(Visit, begins=instants, clinic=zones, patient=zones)


def at(text: str, zone: ZoneInfo = WEST) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def local(moment: datetime | None, zone: ZoneInfo = WEST) -> str | None:
    return moment.astimezone(zone).strftime("%m-%d %H:%M") if moment else None


@pytest.mark.parametrize(
    ("begins", "morning", "before"),
    [
        ("2026-03-03 14:00", "03-03 08:00", "03-03 12:00"),
        ("2026-03-03 10:30", "03-03 08:00", "03-03 08:30"),
        ("2026-03-03 10:00", "03-03 08:00", None),  # both at 08:00 would say the same
        ("2026-03-03 09:00", "03-03 08:00", "03-02 20:00"),  # 07:00 is night
        ("2026-03-03 08:30", "03-03 08:00", "03-02 20:00"),
        ("2026-03-03 08:15", "03-02 20:00", None),  # 08:00 comes too late
        ("2026-03-03 07:30", "03-02 20:00", None),
        ("2026-03-03 00:30", "03-02 20:00", "03-02 20:00"),
        ("2026-03-03 22:30", "03-03 08:00", "03-03 20:30"),
        ("2026-03-03 23:30", "03-03 08:00", "03-03 20:00"),  # 21:30 is night
        ("2026-03-08 09:30", "03-08 08:00", "03-07 20:00"),  # the clock was put forward at two
        ("2026-11-01 14:00", "11-01 08:00", "11-01 12:00"),  # and back
    ],
)
def test_reminders_come_at_eight_and_two_hours_before_or_the_evening_before(
    begins: str, morning: str, before: str | None
) -> None:
    """X-16: an appointment before 08:00; T-2h of a visit from 8 to 10."""
    visit = Visit(begins=at(begins), clinic=WEST, patient=WEST)
    first, second = morning_moment(visit), before_moment(visit)
    assert local(first) == morning
    assert local(second) == (None if before == morning else before)


@pytest.mark.parametrize(
    ("zone", "morning", "before"),
    [
        ("Pacific/Honolulu", "03-03 10:00", "03-03 12:00"),  # 08:00 there, where it was 06:00
        ("America/New_York", "03-03 08:00", "03-03 12:00"),  # eleven there
        ("Asia/Jakarta", "03-03 05:00", None),  # 08:00 and 12:00 are night there: 20:00 for both
    ],
)
def test_the_day_is_the_clinics_and_the_night_is_the_patients(zone: str, morning: str, before: str | None) -> None:
    """[S3-21]"""
    visit = Visit(begins=at("2026-03-03 14:00"), clinic=WEST, patient=ZoneInfo(zone))
    assert (local(morning_moment(visit)), local(before_moment(visit))) == (morning, before)


@settings(deadline=None, max_examples=25)
@given(visits)
def test_no_reminder_is_due_at_night_or_too_late_or_days_before(visit: Visit) -> None:
    moments = [morning_moment(visit), before_moment(visit)]
    assert moments[0] != moments[1]
    for moment in moments:
        if moment is not None:
            assert not is_quiet(moment, visit.patient)
            assert timedelta(hours=-48) < moment - visit.begins <= -LEAD
    morning, before = morning_moment(visit), before_moment(visit)
    for moment, other in ((morning, before), (before, morning)):
        if moment is not None:
            assert moment <= useful_until(moment, other, visit) <= visit.latest


@settings(deadline=None, max_examples=25)
@given(visits)
def test_by_day_they_are_due_when_they_are_meant_to_be(visit: Visit) -> None:
    nominal = visit.begins - timedelta(hours=2)
    if not is_quiet(nominal, visit.patient):
        assert before_moment(visit) in (nominal, None)
        assert (before_moment(visit) is None) == (morning_moment(visit) == nominal)
    eight = visit.begins.astimezone(visit.clinic).replace(hour=8, minute=0, second=0, microsecond=0)
    if not is_quiet(eight, visit.patient) and eight <= visit.latest:
        assert morning_moment(visit) == eight


@settings(deadline=None, max_examples=25)
@given(instants, zones)
def test_a_night_ends_at_eight_and_begins_at_nine(moment: datetime, zone: ZoneInfo) -> None:
    after = not_at_night(moment, zone)
    assert not is_quiet(after, zone)
    assert timedelta(0) <= after - moment <= timedelta(hours=12)
    if after != moment:
        assert (after.astimezone(zone).hour, after.astimezone(zone).minute) == (8, 0)
    begins = night_begins(moment, zone)
    assert is_quiet(begins, zone)
    assert not is_quiet(moment, zone) or begins == moment
