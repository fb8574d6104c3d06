"""What points of sale tell is linked to appointments and their billing records, and says what is paid."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis import Redis

from billing.models import Claim
from billing.visits import sales_of
from clinic.booking.book import book
from clinic.booking.models import Appointment, PosOrder
from clinic.booking.outside.bills import bills_of
from clinic.booking.outside.sales import Told, cents, sums_of
from clinic.events.models import DeadLetter, Outbox, Unmatched
from regions.models import Region
from tests.booking.test_pages import signed_in, text_of
from tests.booking.told import handle_all, moment, tell
from tests.booking.world import FRONT_DESK, MONDAY, Clinic

pytestmark = pytest.mark.django_db


@pytest.fixture
def visit(clinic: Clinic) -> Appointment:
    return book(clinic.wish(MONDAY), FRONT_DESK, external_id="A-1")


def sell(clinic: Clinic, kind: str, amount: str | None, minutes: int = 0, **data: Any) -> None:
    sold = {"amount": amount, "currency": "USD", "occurred_at": moment(minutes), **data}
    tell(clinic.region, f"pos.order.{kind}", "PO-1", **sold)


def stands(order: PosOrder) -> tuple[int | None, int, int, str]:
    order.refresh_from_db()
    return order.ordered, order.paid, order.refunded, order.state


def test_an_order_is_linked_paid_in_parts_and_refunded(clinic: Clinic, visit: Appointment, queue: Redis) -> None:
    """[S4-05] In cents; the appointment stays where it is, and the house is told once of the payment."""
    steps = [
        ("placed", "30.00", {}, (3000, 0, 0, "placed")),
        ("paid", "10.00", {"payment_id": "P-1"}, (3000, 1000, 0, "partly_paid")),
        ("paid", "20", {"payment_id": "P-2"}, (3000, 3000, 0, "paid")),
        ("refunded", "5.50", {"payment_id": "P-2"}, (3000, 3000, 550, "partly_refunded")),
        ("refunded", "24.50", {"payment_id": "P-2"}, (3000, 3000, 3000, "refunded")),
    ]
    for minutes, (kind, amount, data, expected) in enumerate(steps):
        for _ in range(2):
            sell(clinic, kind, amount, minutes, **data)
        handle_all(queue)
        assert stands(visit.pos_orders.get()) == expected
    visit.refresh_from_db()
    assert (visit.state, visit.version, visit.pos_orders.get().events.count()) == ("booked", 1, 5)
    told = Outbox.objects.filter(type__startswith="payment.").order_by("pk").values_list("type", "subject", "data")
    assert [(kind, subject) for kind, subject, _ in told] == [
        ("payment.confirmed", str(visit.pk)),
        ("payment.refunded", str(visit.pk)),
    ]
    assert told[0][2]["paid_cents"] == 3000


def test_a_refund_that_is_told_first_is_no_payment_later(clinic: Clinic, visit: Appointment, queue: Redis) -> None:
    """[S4-05]"""
    for kind in ("refunded", "paid", "placed"):
        sell(clinic, kind, "30.00", payment_id="P-1")
        handle_all(queue)
        assert visit.pos_orders.get().state == "refunded"
    assert stands(visit.pos_orders.get()) == (3000, 3000, 3000, "refunded")


def test_a_payment_of_one_number_is_one_and_of_one_amount(clinic: Clinic, visit: Appointment, queue: Redis) -> None:
    """[S4-05] What contradicts it, and money that cannot be read, is for a person to see."""
    sell(clinic, "paid", "30.00", 1, payment_id="P-1")
    sell(clinic, "paid", "30.00", 2, payment_id="P-1")
    handle_all(queue)
    assert stands(visit.pos_orders.get()) == (None, 3000, 0, "paid")
    sell(clinic, "paid", "31.00", 3, payment_id="P-1")
    handle_all(queue)
    assert DeadLetter.objects.get().reason == "payment_of_another_amount"
    assert stands(visit.pos_orders.get()) == (None, 3000, 0, "paid")


@pytest.mark.parametrize(
    ("amount", "currency", "reason"),
    [
        (None, "USD", "amount_missing"),
        ("much", "USD", "amount_unreadable"),
        ("1.005", "USD", "amount_unreadable"),
        ("1", "dollars", "currency_unreadable"),
    ],
)
def test_money_that_cannot_be_read_changes_nothing(
    clinic: Clinic, visit: Appointment, queue: Redis, amount: str | None, currency: str, reason: str
) -> None:
    sell(clinic, "paid", amount, currency=currency)
    handle_all(queue)
    assert DeadLetter.objects.get().reason == reason
    assert not PosOrder.objects.exists()


def test_what_matches_nothing_waits_for_its_appointment_and_no_other_regions(
    clinic: Clinic, elsewhere: Clinic, queue: Redis
) -> None:
    """[S4-05]"""
    sell(clinic, "paid", "30.00")
    handle_all(queue)
    book(elsewhere.wish(MONDAY), FRONT_DESK, external_id="A-1")
    handle_all(queue)
    assert Unmatched.objects.get().state == "open"
    visit = book(clinic.wish(MONDAY), FRONT_DESK, external_id="A-1")
    handle_all(queue)
    assert (Unmatched.objects.get().state, visit.pos_orders.get().paid) == ("matched", 3000)


def claim_of(region: Region, visit: str) -> Claim:
    day = MONDAY.date()
    return Claim.objects.create(
        region=region, control=f"C{visit}", kind="MED", appointment_id=visit, patient_id="p", payer_id="60054",
        provider="1234567893", first_day=day, last_day=day, charge=200,
    )  # fmt: skip


def test_an_appointment_and_its_claims_know_each_other(
    clinic: Clinic, elsewhere: Clinic, visit: Appointment, queue: Redis
) -> None:
    """[S4-05] By the hospital's number of the visit, in one region."""
    claim, without = claim_of(clinic.region, "A-1"), claim_of(clinic.region, "")
    other = claim_of(elsewhere.region, "A-1")
    sell(clinic, "paid", "30.00")
    handle_all(queue)
    (bill,) = bills_of(visit)
    assert (bill.title, bill.url) == (f"Claim {claim.control}", f"/admin/billing/claim/{claim.pk}/change/")
    assert [order.paid for order in sales_of(claim)] == [3000]
    staff = signed_in(clinic, "finance")
    assert bill.title in text_of(staff, f"booking/appointment/{visit.pk}/change/")
    assert "order PO-1</a>, paid: 30.00 USD paid" in text_of(staff, f"billing/claim/{claim.pk}/change/")
    assert not sales_of(other)
    assert not sales_of(without)


KINDS = ("placed", "paid", "refunded")
TOLD = st.lists(st.builds(Told, kind=st.sampled_from(KINDS), amount=st.integers(0, 5000)), min_size=1, max_size=6)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_any_order_of_what_is_told_comes_to_the_same_sums(data: st.DataObject) -> None:
    """[S4-05] And more that is told takes no refund back."""
    told = data.draw(TOLD)
    assert sums_of(data.draw(st.permutations(told))) == sums_of(told)
    if "refund" in sums_of(told[:-1]).state:
        assert "refund" in sums_of(told).state


@pytest.mark.parametrize(
    ("text", "amount"),
    [("12.50", 1250), ("0", 0), ("7", 700), ("1.005", None), ("NaN", None), ("-1", None), ("x", None)],
)
def test_money_is_whole_cents(text: str, amount: int | None) -> None:
    assert cents(text) == amount
