"""What the booking asks of the apps above it: each that says so, once."""

from collections.abc import Callable

from backoffice.above import Above
from billing.visits import claims_of, rows_of
from clinic.booking.offers import TELLING
from clinic.booking.outside.belonging import person_says
from clinic.booking.outside.bills import BILLING
from clinic.booking.outside.comments import COMMENTING
from clinic.booking.outside.threads import THREADS
from clinic.care.eligibility.commenting import comments_of
from clinic.events.inbound.matching import CHOOSING
from clinic.notices.offering import with_told


def test_what_says_twice_that_it_can_be_asked_is_asked_once_and_in_order() -> None:
    asked: Above[Callable[[str], object]] = Above()
    for one in (len, repr, len):
        asked.register(one)
    assert list(asked) == [len, repr]


def test_the_apps_above_are_asked() -> None:
    assert list(BILLING) == [claims_of]
    assert list(THREADS) == [rows_of]
    assert list(COMMENTING) == [comments_of]
    assert list(TELLING) == [with_told]
    assert list(CHOOSING) == [person_says]
