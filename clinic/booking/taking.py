"""Cells are taken and given back here and nowhere else, inside the transaction of whoever books."""

from collections.abc import Iterable

from django.db import IntegrityError, transaction
from django.db.models import Max, Min

from clinic.booking.cells import Span
from clinic.booking.models import Appointment, Cell, Hold, Resource
from clinic.booking.refusals import SlotTaken


def take(resources: Iterable[Resource], cells: range, owner: Appointment | Hold) -> None:
    """Take the cells of all the resources for `owner`, or none of them: SlotTaken, said by the database."""
    of = {"hold": owner} if isinstance(owner, Hold) else {"appointment": owner}
    rows = [Cell(resource_id=pk, number=cell, **of) for pk in sorted(each.pk for each in resources) for cell in cells]
    try:
        with transaction.atomic():
            Cell.objects.bulk_create(rows)
    except IntegrityError:
        raise SlotTaken from None


def give_back(owner: Appointment | Hold) -> Span:
    """Nobody has the cells of `owner` any more; from where to where they were."""
    ends = owner.cells.aggregate(first=Min("number"), last=Max("number"))
    owner.cells.all().delete()
    return Span(0, 0) if ends["first"] is None else Span(ends["first"], ends["last"] + 1)


def hand_over(hold: Hold, appointment: Appointment) -> None:
    """The cells of a hold become an appointment's; they are free at no moment."""
    hold.cells.update(hold=None, appointment=appointment)
