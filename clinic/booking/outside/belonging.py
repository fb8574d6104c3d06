"""Which appointment an event from outside belongs to: by the number that it names, or by its order's earlier events."""

import hashlib
from datetime import UTC, datetime

from django.utils.timezone import is_naive

from clinic.booking.models import Appointment, LabOrder, PosOrder
from clinic.events.consumers import Event
from clinic.events.inbound.matching import match_waiting
from clinic.events.inbound.models import Channel
from regions.models import Region

# What comes before our own number of an appointment, where a sender knows that and not the hospital's.
OURS = "appointment/"


def subject_of(pk: int) -> str:
    return f"{OURS}{pk}"


def lab_order_belongs_to(event: Event) -> str | None:
    """The resolver of the laboratories' events."""
    found = _named(event)
    if found is None and (order := lab_order_of(event)) is not None:
        found = order.appointment_id
    return None if found is None else subject_of(found)


def pos_order_belongs_to(event: Event) -> str | None:
    """The resolver of the points of sale's events."""
    found = _named(event)
    if found is None:
        rows = PosOrder.objects.filter(region=event.region_id, number=number_of(event))
        found = rows.values_list("appointment_id", flat=True).first()
    return None if found is None else subject_of(found)


def lab_order_of(event: Event) -> LabOrder | None:
    """The order of the event's number. The laboratory's own number, alone in a message, is one order's accession."""
    rows, number = LabOrder.objects.filter(region=event.region_id), number_of(event)
    order = rows.filter(number=number).first()
    if order is None and not event.data.get("order_id"):
        known = list(rows.filter(accession=number)[:2])
        order = known[0] if len(known) == 1 else None
    return order


def person_says(region: int, text: str) -> str | None:
    """What a person writes is an appointment of the region: its number here, or the hospital's. None: it is none, or
    one as the former and another as the latter."""
    rows = Appointment.objects.filter(region=region)
    found = set(rows.filter(external_id=text).values_list("pk", flat=True)) if text else set()
    number = text.removeprefix(OURS)
    if number.isascii() and number.isdigit() and len(number) < 19:
        found |= set(rows.filter(pk=int(number)).values_list("pk", flat=True))
    return subject_of(found.pop()) if len(found) == 1 else None


def appointment_of(event: Event) -> Appointment | None:
    """What the event was matched with; None: nothing yet, or it was removed with its patient."""
    matched = str(event.data.get("matched", ""))
    if not matched.startswith(OURS):
        return None
    rows = Appointment.objects.select_related("region", "type")
    return rows.filter(region=event.region_id, pk=int(matched.removeprefix(OURS))).first()


def match_what_waits(event: Event, channel: Channel) -> None:
    """An appointment was booked: what came for its number before is matched with it now."""
    number = event.data.get("external_id")
    if number:
        match_waiting(event.region_id, channel, event__data__appointment_id=number)


def match_rest_of_order(event: Event, channel: Channel) -> None:
    """An order was linked by this event: its others that name no appointment are known by it now."""
    match_waiting(event.region_id, channel, event__subject=event.subject)


def number_of(event: Event) -> str:
    """The order's: the event's subject there."""
    return event.subject.partition("/")[2]


def occurred_at(event: Event, region: Region) -> datetime | None:
    """When the sender says that it happened; without an offset, by the region's clock. None: it does not say, or names
    a moment that some clock cannot show."""
    try:
        moment = datetime.fromisoformat(str(event.data.get("occurred_at", "")))
        moment = (moment.replace(tzinfo=region.zone) if is_naive(moment) else moment).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if 1 < moment.year < 9999 else None


def key_of(*parts: object) -> str:
    """What makes an event the same as another: SHA-256 of its parts."""
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()


def _named(event: Event) -> int | None:
    named = event.data.get("appointment_id", "")
    rows = Appointment.objects.filter(region=event.region_id)
    found = rows.filter(external_id=named).values_list("pk", flat=True).first() if named else None
    if found is None and named.startswith(OURS):
        number = named.removeprefix(OURS)
        mine = rows.filter(pk=int(number)) if number.isdigit() and len(number) < 19 else rows.none()
        found = mine.values_list("pk", flat=True).first()
    return found
