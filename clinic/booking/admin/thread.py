"""The thread of a visit: booking, samples, orders at the till, and what the billing has of it, in the order of time."""

from collections.abc import Iterator

from django.urls import reverse

from backoffice.access import AnyUser, shown
from backoffice.formats import moment
from clinic.booking.admin.tones import LAB_TONES, POS_TONES, TONES
from clinic.booking.models import Appointment, LabOrder, PosEvent, PosOrder
from clinic.booking.outside.threads import THREADS, Link, Row, Visit, merged
from clinic.booking.states import State
from clinic.booking.templatetags.booking import cents

TILL_TONES = {
    PosEvent.Kind.PAID: POS_TONES[PosOrder.State.PAID],
    PosEvent.Kind.REFUNDED: POS_TONES[PosOrder.State.PARTLY_REFUNDED],
}


def visit_of(appointment: Appointment) -> Visit:
    """A visit that was booked here."""
    return Visit(region=appointment.region, number=appointment.external_id, appointment=appointment)


def thread_of(user: AnyUser, visit: Visit) -> list[Row]:
    """All that is known of it in its region, the first thing first; reasons for whom may see patient data.

    Whoever asks has `visit` from its region's scope.
    """
    rows = booked(user, visit.appointment) if visit.appointment else []
    for asked in THREADS:
        rows = merged(rows, asked(visit), visit.region.zone)
    return rows


def booked(user: AnyUser, row: Appointment) -> list[Row]:
    """What happened at the desk, in the laboratory and at the till."""
    url = reverse("admin:booking_appointment_change", args=[row.pk])
    rows = [*_moves(user, row, url), *_samples(row, url), *_sales(row, url)]
    return sorted(rows, key=lambda one: one.at)


def _moves(user: AnyUser, row: Appointment, url: str) -> Iterator[Row]:
    for move in row.moves.order_by("version"):
        why = shown(user, str(move.why)) if move.why else ""
        yield Row(
            at=move.at, kind="booking", title=str(move.get_after_display()).capitalize(), tone=TONES[State(move.after)],
            says=why, notes=(f"for {moment(move.begins, row.region.zone)}",),
            links=(Link(f"appointment {row.pk}", url),),
        )  # fmt: skip


def _samples(row: Appointment, url: str) -> Iterator[Row]:
    for order in row.lab_orders.prefetch_related("events").order_by("id"):
        for event in order.events.all():
            said = (
                f"specimen {event.specimen}" if event.specimen else "",
                f"reason {event.reason_code}" if event.reason_code else "",
            )
            yield Row(
                at=event.occurred_at or event.told_at, kind="sample",
                title=f"Laboratory: {str(event.get_kind_display()).lower()}",
                tone=LAB_TONES.get(LabOrder.State(event.kind), ""),
                notes=tuple(filter(None, said)), links=(Link(f"lab order {order.number or 'removed'}", f"{url}#lab"),),
            )  # fmt: skip


def _sales(row: Appointment, url: str) -> Iterator[Row]:
    for order in row.pos_orders.prefetch_related("events").order_by("id"):
        for event in order.events.all():
            amount = "" if event.amount is None else cents(event.amount, order.currency)
            back = event.kind == PosEvent.Kind.REFUNDED
            yield Row(
                at=event.occurred_at or event.told_at, kind="order",
                title=f"Point of sale: {str(event.get_kind_display()).lower()}",
                tone=TILL_TONES.get(PosEvent.Kind(event.kind), ""),
                notes=(f"payment {event.payment}",) if event.payment else (),
                links=(Link(f"order {order.number or 'removed'}", f"{url}#till"),),
                charge=amount if event.kind == PosEvent.Kind.PLACED else "",
                paid="" if event.kind == PosEvent.Kind.PLACED or not amount else f"-{amount}" if back else amount,
            )  # fmt: skip
