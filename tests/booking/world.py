"""Rows of the booking for tests, and a clinic to book in."""

# mypy: allow-untyped-calls, allow-untyped-decorators
# The declarations of factory-boy have no types.

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from itertools import islice
from typing import Any

from django.utils import timezone
from factory.declarations import LazyAttribute, Sequence, SubFactory
from factory.django import DjangoModelFactory
from factory.helpers import post_generation

from clinic.booking.book import Wish, book, hold
from clinic.booking.models import AppointmentType, Kind, Resource, WeeklyHours
from clinic.booking.moving import By
from clinic.booking.slots import free_slots
from clinic.booking.waiting import Waiting, join
from clinic.patients.models import Patient
from regions.models import Region
from tests.factories import RegionFactory

# A Monday, 08:00 in Chicago.
MONDAY = datetime(2026, 3, 2, 14, tzinfo=UTC)
# When the tests of a clinic think they are: the Sunday before, at noon.
NOW = datetime(2026, 3, 1, 18, tzinfo=UTC)
FRONT_DESK = By(through="test")
MINUTE = timedelta(minutes=1)


class PatientFactory(DjangoModelFactory[Patient]):
    """A patient with a name that no page of another may show."""

    class Meta:
        model = Patient

    region = SubFactory(RegionFactory)
    external_id = Sequence(lambda number: f"P-{1000 + number}")
    given_name = "Adaeze"
    family_name = "Okonkwo"
    birth_date = "1980-02-29"
    phone = "+13125550100"


class ResourceFactory(DjangoModelFactory[Resource]):
    """A practitioner who works every day from 08:00 to 12:00: create(hours=None) has none, or (begins, ends)."""

    class Meta:
        model = Resource
        skip_postgeneration_save = True

    region = SubFactory(RegionFactory)
    kind = Kind.PRACTITIONER
    code = Sequence(lambda number: f"R{1000 + number}")
    name = LazyAttribute(lambda resource: f"Resource {resource.code}")

    @post_generation
    def hours(resource: Resource, create: bool, extracted: Any, **told: Any) -> None:  # noqa: N805
        begins, ends = (time(8), time(12)) if extracted is None else extracted
        if begins != ends or begins == time():
            for weekday in WeeklyHours.Day.values:
                WeeklyHours.objects.create(resource=resource, weekday=weekday, begins=begins, ends=ends)


class TypeFactory(DjangoModelFactory[AppointmentType]):
    """A check of 30 minutes by one practitioner: create(needs=[Kind.ROOM, (Kind.DEVICE, [laser])])."""

    class Meta:
        model = AppointmentType
        skip_postgeneration_save = True

    region = SubFactory(RegionFactory)
    code = Sequence(lambda number: f"T{1000 + number}")
    name = LazyAttribute(lambda type_: f"Type {type_.code}")
    minutes = 30

    @post_generation
    def needs(type_: AppointmentType, create: bool, extracted: Iterable[Any] | None, **told: Any) -> None:  # noqa: N805
        for need in [Kind.PRACTITIONER] if extracted is None else extracted:
            kind, named = need if isinstance(need, tuple) else (need, ())
            type_.needs.create(kind=kind).any_of.set(named)


@dataclass
class Clinic:
    """A region with one practitioner, one type of appointment and one patient."""

    region: Region
    doctor: Resource
    check: AppointmentType
    patient: Patient
    others: list[Patient] = field(default_factory=list)

    def wish(self, begins: datetime = MONDAY, *resources: Resource, patient: Patient | None = None) -> Wish:
        """The check at that time."""
        ids = frozenset(resource.pk for resource in resources)
        return Wish(type=self.check, patient=patient or self.patient, begins=begins, resources=ids)


def make_clinic(region: Region | None = None, **of_type: Any) -> Clinic:
    region = region or RegionFactory.create()
    return Clinic(
        region=region,
        doctor=ResourceFactory.create(region=region),
        check=TypeFactory.create(region=region, **of_type),
        patient=PatientFactory.create(region=region),
    )


def make_booking(region: Region) -> Clinic:
    """A clinic that is open now, with an appointment, a hold and somebody who waits."""
    clinic = make_clinic(region)
    clinic.doctor.hours.update(begins=time(0), ends=time(0))
    slots = free_slots(clinic.check, timezone.now(), timezone.now() + timedelta(days=1))
    first, second = next(slots), list(islice(slots, 2))[-1]
    book(clinic.wish(first.begins), FRONT_DESK, external_id="A-7")
    hold(clinic.wish(second.begins))
    past = timezone.now() - timedelta(days=1)
    join(Waiting(type=clinic.check, patient=clinic.patient, earliest=past, latest=past + timedelta(days=2)))
    return clinic
