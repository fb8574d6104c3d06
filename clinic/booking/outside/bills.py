"""What the billing has of an appointment. It is asked: it stands above the booking, which does not know it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from backoffice.above import Above
from clinic.booking.models import Appointment


@dataclass(frozen=True, kw_only=True, slots=True)
class Bill:
    """One billing record; `url` is its page in the admin."""

    title: str
    url: str
    state: str
    charge: Decimal
    paid: Decimal
    changed_at: datetime


BillsOf = Callable[[Appointment], Iterable[Bill]]
# Each gives the records of an appointment of its own region.
BILLING: Above[BillsOf] = Above()


def bills_of(appointment: Appointment) -> list[Bill]:
    """All that is known."""
    return [bill for bills in BILLING for bill in bills(appointment)]
