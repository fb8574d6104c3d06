"""Claims and appointments: both have the hospital's number of the visit, and no copy of the link is kept."""

from collections.abc import Iterator

from django.db.models import QuerySet
from django.urls import reverse

from billing.models import Claim
from clinic.booking.models import Appointment, PosOrder
from clinic.booking.outside.bills import Bill
from clinic.booking.outside.threads import Row, Visit


def claims_of(appointment: Appointment) -> Iterator[Bill]:
    """The claims of the appointment, the oldest first, without those that were withdrawn."""
    if not appointment.external_id:
        return
    rows = Claim.objects.filter(region=appointment.region_id, appointment_id=appointment.external_id, withdrawn=False)
    for claim in rows.defer("content").order_by("id"):
        yield Bill(
            title=f"Claim {claim.control}",
            url=reverse("admin:billing_claim_change", args=[claim.pk]),
            state=claim.get_state_display(),
            charge=claim.charge,
            paid=claim.paid,
            changed_at=claim.changed_at,
        )


def visit_of(claim: Claim) -> Visit:
    """The claim's visit, and its appointment where that was booked here."""
    rows = Appointment.objects.filter(region=claim.region_id, external_id=claim.appointment_id).select_related("region")
    booked = rows.first() if claim.appointment_id else None
    return Visit(region=claim.region, number=claim.appointment_id, appointment=booked, claim=claim.pk)


def rows_of(visit: Visit) -> list[Row]:
    """The threads of the visit's claims; the pages are imported with the first that is shown."""
    from billing.admin import told

    return told.rows_of(visit)


def sales_of(claim: Claim) -> QuerySet[PosOrder]:
    """What was ordered and paid at a point of sale for the claim's visit."""
    rows = PosOrder.objects.filter(region=claim.region_id, appointment__external_id=claim.appointment_id)
    return rows.order_by("id") if claim.appointment_id else rows.none()
