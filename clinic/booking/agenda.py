"""What a day of a resource looks like: from when to when it is free, held, booked or closed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import Any

from django.db.models import Q

from clinic.booking.cells import CELL, Span, cell_of, instant_of
from clinic.booking.models import Appointment, Cell, Hold, Resource
from clinic.booking.opening import open_masks
from clinic.booking.zones import midnight, next_day
from regions.models import Region

FREE, HELD, BOOKED, CLOSED = "free", "held", "booked", "closed"
Owner = Appointment | Hold


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """One stretch of a resource's day; `owner` has it, with its buffers."""

    what: str
    begins: datetime
    ends: datetime
    owner: Owner | None = None

    @property
    def minutes(self) -> int:
        return int((self.ends - self.begins).total_seconds()) // 60


def agenda(
    region: Region, resources: Sequence[Resource], first: date, days: int
) -> dict[tuple[int, date], list[Piece]]:
    """(resource id, day) → its pieces in order, closed ones left out; a few queries for all of them."""
    bounds, day = [midnight(first, region.zone)], first
    for _ in range(days):
        day = next_day(day)
        bounds.append(midnight(day, region.zone))
    span = Span(cell_of(bounds[0]), cell_of(bounds[-1]))
    opened, taken = open_masks(region, resources, span), _owners(resources, span)
    found, day = {}, first
    for begins, ends in pairwise(bounds):
        here = Span(cell_of(begins), cell_of(ends))
        for resource in resources:
            mask = opened[resource.pk] >> (here.first - span.first)
            found[resource.pk, day] = _pieces(here, mask, taken.get(resource.pk, {}))
        day = next_day(day)
    return found


def _owners(resources: Sequence[Resource], span: Span) -> dict[int, dict[int, Owner]]:
    """Resource id → cell → who has it."""
    rows = Cell.objects.filter(resource__in=resources, number__gte=span.first, number__lt=span.last)
    ids = list(rows.values_list("resource_id", "number", "appointment_id", "hold_id"))
    appointments = Appointment.objects.select_related("type").in_bulk({each[2] for each in ids if each[2]})
    holds = Hold.objects.select_related("type").in_bulk({each[3] for each in ids if each[3]})
    found: dict[int, dict[int, Owner]] = {}
    for resource, number, appointment, hold in ids:
        found.setdefault(resource, {})[number] = appointments[appointment] if appointment else holds[hold]
    return found


def _pieces(span: Span, opened: int, taken: dict[int, Owner]) -> list[Piece]:
    pieces: list[Piece] = []
    for cell in range(span.first, span.last):
        owner = taken.get(cell)
        if owner is None:
            what = FREE if opened >> (cell - span.first) & 1 else CLOSED
        else:
            what = BOOKED if isinstance(owner, Appointment) else HELD
        begins = instant_of(cell)
        last = pieces[-1] if pieces else None
        if last is not None and (last.what, last.owner) == (what, owner):
            pieces[-1] = Piece(what=what, begins=last.begins, ends=begins + CELL, owner=owner)
        else:
            pieces.append(Piece(what=what, begins=begins, ends=begins + CELL, owner=owner))
    return [piece for piece in pieces if piece.what != CLOSED]


def summed(pieces: Sequence[Piece]) -> dict[str, Any]:
    """How many are booked and held, and how many minutes are free."""
    return {
        BOOKED: len({piece.owner for piece in pieces if piece.what == BOOKED}),
        HELD: len({piece.owner for piece in pieces if piece.what == HELD}),
        FREE: sum(piece.minutes for piece in pieces if piece.what == FREE),
    }


def shown_resources(region: Region, first: datetime, last: datetime) -> list[Resource]:
    """The active resources of the region, and others that have something in that time."""
    busy = Cell.objects.filter(number__gte=cell_of(first), number__lt=cell_of(last)).values("resource")
    return list(Resource.objects.filter(Q(active=True) | Q(pk__in=busy), region=region).order_by("kind", "name"))
