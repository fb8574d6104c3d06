"""How many attempts to book succeed: counted for each region, whoever tries and by whichever way."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from backoffice.telemetry import tally
from clinic.booking.refusals import Refusal
from regions.models import Region

BOOKINGS: Final = "booking"
BOOKED, REFUSED, FAILED = "booked", "refused", "failed"


@contextmanager
def attempted(region: Region) -> Iterator[None]:
    """One attempt. Refused: there was no such slot, or not for this patient; failed: the program's fault."""
    try:
        yield
    except Refusal:
        tally.count(BOOKINGS, region.name, REFUSED)
        raise
    except Exception:
        tally.count(BOOKINGS, region.name, FAILED)
        raise
    tally.count(BOOKINGS, region.name, BOOKED)
