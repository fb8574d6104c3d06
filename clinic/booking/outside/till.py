"""The consumer pos-orders (contract S4-05): links orders and payments, and confirms what is paid."""

import re
from datetime import datetime
from typing import Any

from django.utils import timezone

from clinic.booking.desk import at_the_desk
from clinic.booking.models import Appointment, PosEvent, PosOrder
from clinic.booking.outside.belonging import (
    appointment_of,
    key_of,
    match_rest_of_order,
    match_what_waits,
    number_of,
    occurred_at,
)
from clinic.booking.outside.sales import Kind, Sums, Told, cents, news_of, sums_of
from clinic.events.consumers import Consumer, Event, EventRefused
from clinic.events.inbound.cloudevents import EVENT_KEY
from clinic.events.inbound.models import Channel
from clinic.events.outbox import record

PREFIX = "pos.order."
BOOKED = "appointment.booked"
CURRENCY = re.compile(r"[A-Z]{3}")


def handle(event: Event) -> None:
    """Store what is told, once; the order stands as all that was told says. The appointment does not move.

    EventRefused, so that a person sees it, for money that cannot be read or contradicts what was told before.
    """
    if event.type == BOOKED:
        match_what_waits(event, Channel.POS)
        return
    kind = event.type.removeprefix(PREFIX)
    found = appointment_of(event)
    if found is None or kind not in Kind.values:
        return
    with at_the_desk(found.region):
        order = _order(event, found)
        if _stored(order, event, kind):
            _stand(order)
            match_rest_of_order(event, Channel.POS)


def _order(event: Event, appointment: Appointment) -> PosOrder:
    region, number = appointment.region, number_of(event)
    order, _ = PosOrder.objects.get_or_create(region=region, number=number, defaults={"appointment": appointment})
    if order.appointment_id != appointment.pk:
        raise EventRefused("order_of_another_appointment")
    currency = event.data.get("currency", "")
    if currency and not CURRENCY.fullmatch(currency):
        raise EventRefused("currency_unreadable")
    if currency and order.currency not in ("", currency):
        raise EventRefused("currency_of_another_order")
    order.currency = currency or order.currency
    return order


def _stored(order: PosOrder, event: Event, kind: str) -> bool:
    """False where it was told before, in whatever message. A payment of a number is one, whenever it is told; so is a
    refund of a number of its own. What has neither number nor time is as often as there are events of it."""
    amount, at, own = _amount(event, kind), occurred_at(event, order.region), _own_number(event, kind)
    number = own or event.data.get("payment_id", "")
    when = at.timestamp() if at else ""
    if kind != Kind.PLACED and not number and not at:
        when = event.data.get(EVENT_KEY, "")
    key = key_of(kind, own) if own else key_of(kind, number, when, amount)
    if kind == Kind.REFUNDED and number and not own and _is_told_with_or_without_time(order, number, amount, at, key):
        return False
    values = {"kind": kind, "payment": number, "amount": amount, "occurred_at": at, "told_at": event.recorded_at}
    row, made = PosEvent.objects.get_or_create(order=order, key=key, defaults=values)
    if row.amount != amount:
        raise EventRefused("payment_of_another_amount")
    return made


def _own_number(event: Event, kind: str) -> str:
    """The number that is of this alone; a refund's payment_id is that of what it gives back, maybe in parts."""
    return str(event.data.get({Kind.PAID: "payment_id", Kind.REFUNDED: "refund_id"}.get(Kind(kind), ""), ""))


def _is_told_with_or_without_time(
    order: PosOrder, number: str, amount: int | None, at: datetime | None, key: str
) -> bool:  # fmt: skip
    """Whether one of the two tellings of this refund had no time: it is one, and has the time then."""
    alike = order.events.filter(kind=Kind.REFUNDED, payment=number, amount=amount)
    if at is None:
        return alike.exists()
    if alike.filter(key=key).exists():
        return True
    timeless = alike.filter(occurred_at=None).first()
    return timeless is not None and bool(alike.filter(pk=timeless.pk).update(occurred_at=at, key=key))


def _amount(event: Event, kind: str) -> int | None:
    """In cents."""
    text = event.data.get("amount")
    if text is None and kind == Kind.PLACED:
        return None
    amount = cents(str(text))
    if amount is None:
        raise EventRefused("amount_unreadable" if text else "amount_missing")
    return amount


def _stand(order: PosOrder) -> None:
    sums = sums_of([Told(kind=one.kind, amount=one.amount, at=one.occurred_at) for one in order.events.all()])
    before = Sums(ordered=order.ordered, paid=order.paid, refunded=order.refunded, state=order.state)
    order.ordered, order.paid, order.refunded, order.state = sums.ordered, sums.paid, sums.refunded, sums.state
    order.changed_at = timezone.now()
    order.save()
    for told in sorted(news_of(sums) - news_of(before)):
        record(order.region, told, str(order.appointment_id), _confirmed(order))


def _confirmed(order: PosOrder) -> dict[str, Any]:
    return {
        "appointment": order.appointment_id, "order": order.pk, "paid_cents": order.paid,
        "refunded_cents": order.refunded, "currency": order.currency,
    }  # fmt: skip


POS_ORDERS = Consumer(
    name="pos-orders", title="Points of sale: orders", types=(PREFIX, BOOKED), handle=handle, replicas=2
)  # fmt: skip
