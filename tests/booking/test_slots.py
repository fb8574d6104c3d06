"""Which times are free: hours, exceptions, buffers, several resources at once, and the days of 23 and 25 hours."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine

from clinic.booking.book import book
from clinic.booking.cells import Span, runs
from clinic.booking.models import AppointmentType, HoursException, Kind, Resource, WeeklyHours
from clinic.booking.slots import free_slots
from clinic.booking.zones import instant_at, midnight
from tests.booking.world import FRONT_DESK, MINUTE, MONDAY, Clinic, ResourceFactory, TypeFactory
from tests.factories import RegionFactory

CHICAGO = ZoneInfo("America/Chicago")
DAY = timedelta(days=1)


def begins(type_: AppointmentType, day: date = date(2026, 3, 2), *wanted: Resource) -> list[str]:
    """At which times of the region's clock a day's slots begin."""
    zone = type_.region.zone
    ids = frozenset(resource.pk for resource in wanted)
    found = free_slots(type_, midnight(day, zone), midnight(day + DAY, zone), wanted=ids)
    return [f"{slot.begins.astimezone(zone):%H:%M}" for slot in found]


def closed(clinic: Clinic, **of: object) -> None:
    HoursException.objects.create(
        **{"region": clinic.region, "first_day": date(2026, 3, 2), "last_day": date(2026, 3, 2), **of}
    )


def test_slots_lie_in_the_hours_a_step_apart(clinic: Clinic) -> None:
    clinic.check.step = 60
    assert begins(clinic.check) == ["08:00", "09:00", "10:00", "11:00"]


def test_the_last_one_ends_with_the_hours(clinic: Clinic) -> None:
    assert begins(clinic.check)[-1] == "11:30"


def test_what_is_past_is_no_slot(clinic: Clinic, now: time_machine.Traveller) -> None:
    now.move_to(MONDAY + 181 * MINUTE)
    assert begins(clinic.check) == ["11:15", "11:30"]


def test_a_booking_takes_its_buffers_too(clinic: Clinic) -> None:
    clinic.check.minutes_before, clinic.check.minutes_after, clinic.check.step = 5, 10, 15
    clinic.check.save()
    book(clinic.wish(MONDAY + 60 * MINUTE), FRONT_DESK)
    # 09:00 to 09:30 is taken from 08:55 to 09:40, of which a neighbour needs 45 minutes free again.
    assert begins(clinic.check)[:4] == ["08:00", "08:15", "09:45", "10:00"]


def test_buffers_may_lie_outside_the_hours(clinic: Clinic) -> None:
    clinic.check.minutes_before = clinic.check.minutes_after = 30
    assert begins(clinic.check)[0] == "08:00"
    assert begins(clinic.check)[-1] == "11:30"


def test_weekly_hours_hold_in_their_time_and_meet_each_other(clinic: Clinic) -> None:
    clinic.doctor.hours.all().delete()
    for first, last in ((time(22), time(0)), (time(0), time(1))):
        for weekday in (0, 1):
            WeeklyHours.objects.create(
                resource=clinic.doctor, weekday=weekday, begins=first, ends=last, valid_until=date(2026, 3, 4)
            )
    clinic.check.step = 30
    assert begins(clinic.check) == ["00:00", "00:30", "22:00", "22:30", "23:00", "23:30"]
    clinic.check.minutes = 60
    assert begins(clinic.check) == ["00:00", "22:00", "22:30", "23:00", "23:30"]
    assert begins(clinic.check, date(2026, 3, 9)) == []


def test_closed_by_exception_and_open_by_another(clinic: Clinic) -> None:
    clinic.check.step = 60
    closed(clinic, begins=time(9), ends=time(10), resource=clinic.doctor)
    assert begins(clinic.check) == ["08:00", "10:00", "11:00"]
    closed(clinic)
    assert begins(clinic.check) == []
    closed(clinic, begins=time(18), ends=time(20), open=True)
    assert begins(clinic.check) == ["18:00", "19:00"]


def test_all_resources_that_a_type_needs_are_free_at_once(clinic: Clinic) -> None:
    room = ResourceFactory.create(region=clinic.region, kind=Kind.ROOM, hours=(time(10), time(14)))
    laser = TypeFactory.create(region=clinic.region, needs=[Kind.PRACTITIONER, Kind.ROOM], step=60)
    assert begins(laser) == ["10:00", "11:00"]
    book(clinic.wish(MONDAY + 120 * MINUTE), FRONT_DESK)
    assert begins(laser) == ["11:00"]
    (slot,) = free_slots(laser, MONDAY, MONDAY + DAY / 2)
    assert set(slot.resources) == {clinic.doctor, room}


def test_two_of_a_kind_are_two_persons(clinic: Clinic) -> None:
    both = TypeFactory.create(region=clinic.region, needs=[Kind.PRACTITIONER, Kind.PRACTITIONER], step=60)
    assert begins(both) == []
    second = ResourceFactory.create(region=clinic.region)
    assert begins(both) == ["08:00", "09:00", "10:00", "11:00"]
    book(clinic.wish(MONDAY, second), FRONT_DESK)
    assert begins(both) == ["09:00", "10:00", "11:00"]


def test_a_resource_that_is_wanted_has_to_be_in_it(clinic: Clinic) -> None:
    second = ResourceFactory.create(region=clinic.region, hours=(time(8), time(9)))
    stranger = ResourceFactory.create(region=clinic.region, kind=Kind.ROOM)
    clinic.check.step = 30
    assert begins(clinic.check, date(2026, 3, 2), second) == ["08:00", "08:30"]
    assert begins(clinic.check, date(2026, 3, 2), stranger) == []


def test_only_named_and_active_resources_fill_a_need(clinic: Clinic) -> None:
    second = ResourceFactory.create(region=clinic.region, hours=(time(9), time(10)))
    only = TypeFactory.create(region=clinic.region, needs=[(Kind.PRACTITIONER, [second])], step=30)
    assert begins(only) == ["09:00", "09:30"]
    second.active = False
    second.save()
    assert begins(only) == []


def test_another_regions_resources_fill_no_need(clinic: Clinic) -> None:
    ResourceFactory.create(region=RegionFactory.create(), hours=(time(0), time(0)))
    assert begins(clinic.check)[0] == "08:00"


@pytest.mark.parametrize(
    ("day", "hours", "twice"),
    [(date(2026, 3, 8), 23, []), (date(2026, 11, 1), 25, ["01:00", "01:30"]), (date(2026, 3, 9), 24, [])],
)
def test_a_day_has_as_many_slots_as_it_has_hours(clinic: Clinic, day: date, hours: int, twice: list[str]) -> None:
    clinic.doctor.hours.update(begins=time(0), ends=time(0))
    clinic.check.step = 30
    found = begins(clinic.check, day)
    assert len(found) == 2 * hours
    assert sorted({each for each in found if found.count(each) > 1}) == twice
    assert ("02:30" in found) == (hours != 23)


@pytest.mark.parametrize("day", [date(2026, 3, 8), date(2026, 11, 1), date(2026, 6, 1)])
def test_hours_are_those_of_the_clock_on_every_day(clinic: Clinic, day: date) -> None:
    found = begins(clinic.check, day)
    assert (found[0], found[-1], len(found)) == ("08:00", "11:30", 15)


def test_a_time_that_comes_twice_is_the_first_and_a_skipped_one_is_the_moment_of_the_skip() -> None:
    assert instant_at(date(2026, 11, 1), time(1, 30), CHICAGO) == datetime(2026, 11, 1, 6, 30, tzinfo=UTC)
    for skipped in (time(2), time(2, 30), time(2, 55)):
        assert instant_at(date(2026, 3, 8), skipped, CHICAGO) == datetime(2026, 3, 8, 8, tzinfo=UTC)
    assert instant_at(date(2026, 3, 8), time(3), CHICAGO) == datetime(2026, 3, 8, 8, tzinfo=UTC)
    santiago = ZoneInfo("America/Santiago")  # where midnight is skipped
    assert midnight(date(2026, 9, 6), santiago) == datetime(2026, 9, 6, 4, tzinfo=UTC)
    assert midnight(date(2026, 9, 6), santiago) - midnight(date(2026, 9, 5), santiago) == DAY
    assert midnight(date(2026, 9, 7), santiago) - midnight(date(2026, 9, 6), santiago) == 23 * DAY / 24


def test_masks_know_runs_and_spans() -> None:
    assert runs(0b0111011, 2) == 0b0011001 | 0b0010000
    assert runs(0b1, 2) == 0
    span = Span(100, 110)
    assert list(span.cells(span.mask(95, 103))) == [100, 101, 102]
    assert span.mask(111, 120) == 0
    assert span.mask_of([100, 109]) == 0b1000000001
