"""When resources are open: the weekly hours, without what is closed, with what is open by exception."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from zoneinfo import ZoneInfo

from django.db.models import Q

from clinic.booking.cells import Span, cell_from, cell_of, instant_of
from clinic.booking.models import HoursException, Resource, WeeklyHours
from clinic.booking.zones import days_between, span_at
from regions.models import Region


def open_masks(region: Region, resources: Sequence[Resource], span: Span) -> dict[int, int]:
    """Resource id → the mask of the cells in which it is open."""
    zone = region.zone
    days = days_between(instant_of(span.first), instant_of(span.last), zone)
    ids = [resource.pk for resource in resources]
    masks = dict.fromkeys(ids, 0)
    if not days:
        return masks
    for row in WeeklyHours.objects.filter(resource__in=ids):
        for day in days:
            if _holds(row, day):
                masks[row.resource_id] |= _mask(span, row, day, zone)
    for exception in _exceptions(region, ids, days):
        marked = 0
        for day in days:
            if exception.first_day <= day <= exception.last_day:
                marked |= _mask(span, exception, day, zone)
        for pk in ids if exception.resource_id is None else [exception.resource_id]:
            masks[pk] = masks[pk] | marked if exception.open else masks[pk] & ~marked
    return masks


def _holds(row: WeeklyHours, day: date) -> bool:
    return (
        row.weekday == day.weekday()
        and (row.valid_from is None or row.valid_from <= day)
        and (row.valid_until is None or day <= row.valid_until)
    )


def _mask(span: Span, row: WeeklyHours | HoursException, day: date, zone: ZoneInfo) -> int:
    begins, ends = span_at(day, row.begins, row.ends, zone)
    return span.mask(cell_from(begins), cell_of(ends))


def _exceptions(region: Region, ids: Iterable[int], days: Sequence[date]) -> Iterator[HoursException]:
    """What is closed first, then what is open: who opens on a holiday means it."""
    rows = HoursException.objects.filter(
        Q(resource__in=ids) | Q(resource=None), region=region, first_day__lte=days[-1], last_day__gte=days[0]
    )
    yield from rows.filter(open=False)
    yield from rows.filter(open=True)
