"""What the clinic's jobs have to say of an appointment. They are asked: they stand above the booking."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from backoffice.above import Above
from clinic.booking.models import Appointment


@dataclass(frozen=True, kw_only=True, slots=True)
class Comment:
    """`text` is patient data; `by` says what wrote it, such as "check_eligibility, run 12"."""

    text: str
    by: str
    at: datetime


CommentsOf = Callable[[Appointment], Iterable[Comment]]
# Each gives the comments at an appointment, the oldest first.
COMMENTING: Above[CommentsOf] = Above()


def comments_of(appointment: Appointment) -> list[Comment]:
    """All that there are."""
    return [comment for comments in COMMENTING for comment in comments(appointment)]
