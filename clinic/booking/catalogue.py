"""Resources, types and hours are changed here; what is free by it is offered to who waits."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from clinic.booking.desk import at_the_desk
from clinic.booking.line import offer
from clinic.booking.models import AppointmentType, HoursException, Need, Resource, WeeklyHours
from regions.models import Region

# A need: its kind, and the resources that alone can fill it.
Needs = Sequence[tuple[str, Iterable[Resource]]]


def put_resource(region: Region, code: str, values: Mapping[str, Any]) -> tuple[Resource, bool]:
    """The resource of that code with these values, and whether it was made."""
    with at_the_desk(region):
        resource, made = Resource.objects.update_or_create(region=region, code=code, defaults=values)
        offer(region)
    return resource, made


def put_type(region: Region, code: str, values: Mapping[str, Any], needs: Needs) -> tuple[AppointmentType, bool]:
    """The type of that code with these values and needs, and whether it was made; what is booked stays as it is."""
    with at_the_desk(region):
        type_, made = AppointmentType.objects.update_or_create(region=region, code=code, defaults=values)
        type_.needs.all().delete()
        for kind, named in needs:
            Need.objects.create(type=type_, kind=kind).any_of.set(named)
        offer(region)
    return type_, made


def put_schedule(
    resource: Resource, hours: Iterable[Mapping[str, Any]], exceptions: Iterable[Mapping[str, Any]] | None
) -> None:
    """All hours of a resource in the place of those that it had; `exceptions` None: they stay. What is booked stays."""
    with at_the_desk(resource.region):
        resource.hours.all().delete()
        WeeklyHours.objects.bulk_create(WeeklyHours(resource=resource, **row) for row in hours)
        if exceptions is not None:
            resource.exceptions.all().delete()
            HoursException.objects.bulk_create(
                HoursException(region=resource.region, resource=resource, **row) for row in exceptions
            )
        offer(resource.region)


def hours_changed(region: Region) -> None:
    """After a change that a form has saved: what is free now is offered along the line."""
    with at_the_desk(region):
        offer(region)
