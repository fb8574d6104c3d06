"""The consumer lis-sample-status (contract S4-03): links lab orders, and moves appointments by their samples."""

from django.utils import timezone

from clinic.booking.desk import at_the_desk
from clinic.booking.models import Appointment, LabOrder, SampleEvent
from clinic.booking.moving import By, move_to
from clinic.booking.outside.belonging import (
    appointment_of,
    key_of,
    lab_order_of,
    match_rest_of_order,
    match_what_waits,
    number_of,
    occurred_at,
)
from clinic.booking.outside.samples import Lab, Said, Standing, far, meant_for, standing_of, steps
from clinic.events.consumers import Consumer, Event, EventRefused
from clinic.events.inbound.models import Channel

NAME = "lis-sample-status"
BY = By(through=NAME)
PREFIX = "lis.sample."
BOOKED = "appointment.booked"


def handle(event: Event) -> None:
    """Store what is told, once; then the order, and by it the appointment, stand as all that was told says.

    Events that belong to nothing yet, and kinds that say nothing of a sample, do nothing.
    """
    if event.type == BOOKED:
        match_what_waits(event, Channel.LIS)
        return
    kind = event.type.removeprefix(PREFIX)
    found = appointment_of(event)
    if found is None or kind not in Lab.values:
        return
    with at_the_desk(found.region):
        found.refresh_from_db()
        order = _order(event, found)
        if _stored(order, event, kind):
            lowered = _stand(order)
            _move(found, lowered=lowered, why=f"{kind}, lab order {order.number}")
            match_rest_of_order(event, Channel.LIS)


def _order(event: Event, appointment: Appointment) -> LabOrder:
    """The event's, with what it adds to it; EventRefused where it is another appointment's."""
    order = lab_order_of(event)
    if order is None:
        order = LabOrder(region=appointment.region, appointment=appointment, number=number_of(event))
    if order.appointment_id != appointment.pk:
        raise EventRefused("order_of_another_appointment")
    order.accession = order.accession or event.data.get("accession", "")
    order.test_code = order.test_code or event.data.get("test_code", "")
    order.save()
    return order


def _stored(order: LabOrder, event: Event, kind: str) -> bool:
    """False where it was told before, in whatever message."""
    at, specimen = occurred_at(event, order.region), event.data.get("specimen_id", "")
    values = {
        "kind": kind, "specimen": specimen, "reason_code": event.data.get("reason_code", ""), "occurred_at": at,
        "told_at": event.recorded_at,
    }  # fmt: skip
    key = key_of(kind, specimen, at.timestamp() if at else "")
    return SampleEvent.objects.get_or_create(order=order, key=key, defaults=values)[1]


def _stand(order: LabOrder) -> bool:
    """Bring the order to where its events say; whether its samples are less far now than they were."""
    said = [Said(kind=one.kind, specimen=one.specimen, at=one.occurred_at) for one in order.events.all()]
    standing, before = standing_of(said), order.reached
    order.state, order.reached, order.changed_at = standing.state, standing.reached, timezone.now()
    order.save(update_fields=["state", "reached", "changed_at"])
    return far(standing.reached) < far(before)


def _move(appointment: Appointment, *, lowered: bool, why: str) -> None:
    orders = appointment.lab_orders.values_list("state", "reached")
    meant = meant_for(Standing(state=state, reached=reached) for state, reached in orders)
    for state in steps(appointment.state, meant, lowered=lowered):
        move_to(appointment, state, BY, why)


LIS_SAMPLE_STATUS = Consumer(
    name=NAME, title="Laboratory: samples", types=(PREFIX, BOOKED), handle=handle
)  # fmt: skip
