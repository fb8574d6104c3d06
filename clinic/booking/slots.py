"""Which times are free for a type of appointment, and with which resources."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain

from django.utils import timezone

from clinic.booking.cells import Span, cell_from, cell_of, instant_of, runs
from clinic.booking.models import Appointment, AppointmentType, Cell, Resource
from clinic.booking.models.resources import CELL_MINUTES
from clinic.booking.opening import open_masks
from clinic.booking.zones import days_between, midnight, next_day

Ids = frozenset[int]
NONE: Ids = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class Slot:
    """A time that is free for a type with these resources, one for each of its needs."""

    type: AppointmentType
    begins: datetime
    resources: tuple[Resource, ...]

    @property
    def ends(self) -> datetime:
        return self.begins + timedelta(minutes=self.type.minutes)

    @property
    def cells(self) -> range:
        """What it takes, buffers included."""
        return cells_of(self.type, self.begins)


def cells_of(type_: AppointmentType, begins: datetime) -> range:
    """The cells of an appointment and its buffers."""
    first = cell_of(begins)
    before, visit, after = lengths(type_)
    return range(first - before, first + visit + after)


def lengths(type_: AppointmentType) -> tuple[int, int, int]:
    """In cells: what is kept free before, the visit, what is kept free after."""
    return type_.minutes_before // CELL_MINUTES, type_.minutes // CELL_MINUTES, type_.minutes_after // CELL_MINUTES


@dataclass(frozen=True, slots=True)
class Candidates:
    """For each need of a type, the active resources that can fill it."""

    type: AppointmentType
    needs: tuple[tuple[Resource, ...], ...]

    @property
    def resources(self) -> list[Resource]:
        return sorted(set(chain.from_iterable(self.needs)), key=lambda resource: resource.pk)


def candidates_of(type_: AppointmentType) -> Candidates:
    active = list(Resource.objects.filter(region=type_.region_id, active=True).order_by("pk"))
    needs = []
    for need in type_.needs.prefetch_related("any_of"):
        named = {resource.pk for resource in need.any_of.all()}
        needs.append(tuple(each for each in active if each.kind == need.kind and (not named or each.pk in named)))
    return Candidates(type_, tuple(needs))


class Calendar:
    """What is open and what is taken of some resources in a span of cells, read once."""

    def __init__(
        self, type_: AppointmentType, resources: Sequence[Resource], span: Span, *, but: Appointment | None, empty: bool
    ) -> None:
        self.span = span
        self.open = open_masks(type_.region, resources, span)
        self.taken = {} if empty else taken_masks(resources, span, but=but)

    def begins(self, resource: Resource, before: int, visit: int, after: int) -> int:
        """The cells at which a visit can begin: it lies in the opening hours, and nobody has it or its buffers."""
        free = self.span.everything & ~self.taken.get(resource.pk, 0)
        around = runs(free, before + visit + after) << before
        return around & runs(self.open[resource.pk], visit) & self.span.everything


def taken_masks(resources: Sequence[Resource], span: Span, *, but: Appointment | None = None) -> dict[int, int]:
    """Resource id → the mask of the cells that an appointment or a hold has."""
    rows = Cell.objects.filter(resource__in=resources, number__gte=span.first, number__lt=span.last)
    if but is not None:
        rows = rows.exclude(appointment=but.pk)
    found: dict[int, list[int]] = {resource.pk: [] for resource in resources}
    for resource, number in rows.values_list("resource_id", "number"):
        found[resource].append(number)
    return {resource: span.mask_of(numbers) for resource, numbers in found.items()}


def free_slots(
    type_: AppointmentType,
    begins: datetime,
    ends: datetime,
    *,
    wanted: Ids = NONE,
    but: Appointment | None = None,
    empty: bool = False,
) -> Iterator[Slot]:
    """The slots that begin between two instants and not in the past, in order; each has all the resources `wanted`.

    What the appointment `but` has counts as free, and everything if the calendar is taken as `empty`.
    """
    candidates = candidates_of(type_)
    first = max(cell_from(begins), cell_from(timezone.now()))
    last = cell_from(ends)
    if not candidates.needs or first >= last or not type_.active:
        return
    before, visit, after = lengths(type_)
    span = Span(first, last).widened(before, visit + after)
    calendar = Calendar(type_, candidates.resources, span, but=but, empty=empty)
    fits = {each.pk: calendar.begins(each, before, visit, after) for each in candidates.resources}
    possible = span.mask(first, last) & _grid(type_, Span(first, last), span)
    for need in candidates.needs:
        possible &= _any(fits[each.pk] for each in need)
    for cell in span.cells(possible):
        bit = 1 << (cell - span.first)
        free = [[each for each in need if fits[each.pk] & bit] for need in candidates.needs]
        chosen = _choose(free, wanted)
        if chosen is not None:
            yield Slot(type=type_, begins=instant_of(cell), resources=chosen)


def _any(masks: Iterable[int]) -> int:
    united = 0
    for mask in masks:
        united |= mask
    return united


def _grid(type_: AppointmentType, span: Span, within: Span) -> int:
    """The cells at which the type may begin: every `step` from midnight of the region."""
    zone = type_.region.zone
    step = type_.step // CELL_MINUTES
    cells: list[int] = []
    for day in days_between(instant_of(span.first), instant_of(span.last), zone):
        first, last = cell_of(midnight(day, zone)), cell_of(midnight(next_day(day), zone))
        cells += (cell for cell in range(first, last, step) if span.first <= cell < span.last)
    return within.mask_of(cells)


def _choose(free: Sequence[Sequence[Resource]], wanted: Ids) -> tuple[Resource, ...] | None:
    """One resource for each need, none twice and all that are wanted; the first in order. None: there is no way."""
    if not free:
        return None if wanted else ()
    if len(wanted) > len(free):
        return None
    for each in sorted(free[0], key=lambda resource: (resource.pk not in wanted, resource.pk)):
        rest = [[other for other in need if other.pk != each.pk] for need in free[1:]]
        others = _choose(rest, wanted - {each.pk})
        if others is not None:
            return (each, *others)
    return None
