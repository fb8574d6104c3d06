"""Money that a point of sale tells of without numbers, without times, or in another order (contract S4-05)."""

import pytest
from redis import Redis

from clinic.booking.book import book
from clinic.booking.models import Appointment, PosOrder
from clinic.events.models import DeadLetter, Outbox
from tests.booking.told import handle_all, moment, tell
from tests.booking.world import FRONT_DESK, MONDAY, Clinic

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def visit(clinic: Clinic) -> Appointment:
    return book(clinic.wish(MONDAY), FRONT_DESK, external_id="A-1")


def news() -> list[tuple[str, int, int]]:
    rows = Outbox.objects.filter(type__startswith="payment.").order_by("pk")
    return [(row.type, row.data["paid_cents"], row.data["refunded_cents"]) for row in rows]


def test_two_payments_alike_are_two_events_and_each_is_one_however_often_it_is_sent(
    clinic: Clinic, queue: Redis
) -> None:
    for event in ("first", "second", "first"):
        tell(clinic.region, "pos.order.paid", amount="10.00", event_key=event)
    handle_all(queue)
    assert PosOrder.objects.get().paid == 2000


@pytest.mark.parametrize("times", [(None, 1), (1, None), (1, 1, None), (None, None, 1)])
def test_a_refund_told_again_with_its_time_is_one(clinic: Clinic, queue: Redis, times: tuple[int | None, ...]) -> None:
    tell(clinic.region, "pos.order.paid", amount="20.00", payment_id="P-1", occurred_at=moment(0))
    for minutes in times:
        at = None if minutes is None else moment(minutes)
        tell(clinic.region, "pos.order.refunded", amount="5.00", payment_id="P-1", occurred_at=at)
    handle_all(queue)
    assert PosOrder.objects.get().refunded == 500
    tell(clinic.region, "pos.order.refunded", amount="5.00", payment_id="P-1", occurred_at=moment(2))
    handle_all(queue)
    assert PosOrder.objects.get().refunded == 1000


def test_a_refund_of_a_number_is_one_and_of_one_amount(clinic: Clinic, queue: Redis) -> None:
    for minutes, amount in ((1, "5.00"), (2, "5.00"), (3, "6.00")):
        told = {"refund_id": "R-1", "payment_id": "P-1", "occurred_at": moment(minutes)}
        tell(clinic.region, "pos.order.refunded", amount=amount, **told)
    handle_all(queue)
    assert PosOrder.objects.get().refunded == 500
    assert DeadLetter.objects.get().reason == "payment_of_another_amount"


@pytest.mark.parametrize(
    ("refund", "expected"),
    [
        ("20.00", [("payment.confirmed", 2000, 2000), ("payment.refunded", 2000, 2000)]),
        ("5.00", [("payment.confirmed", 2000, 500)]),
    ],
)
def test_a_refund_before_its_payment_is_told_of_when_that_is_known(
    clinic: Clinic, queue: Redis, refund: str, expected: list[tuple[str, int, int]]
) -> None:
    tell(clinic.region, "pos.order.refunded", amount=refund, refund_id="R-1")
    handle_all(queue)
    assert news() == []
    tell(clinic.region, "pos.order.paid", amount="20.00", payment_id="P-1")
    handle_all(queue)
    assert news() == expected


@pytest.mark.parametrize("at", ["0001-01-01T00:00+14:00", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00"])
def test_a_moment_that_no_clock_shows_is_none(clinic: Clinic, queue: Redis, at: str) -> None:
    for kind in ("pos.order.paid", "lis.sample.ordered"):
        tell(clinic.region, kind, amount="1", occurred_at=at)
    handle_all(queue)
    assert not DeadLetter.objects.exists()
    assert PosOrder.objects.get().events.get().occurred_at is None
