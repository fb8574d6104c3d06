"""Lists and pages ask the database a bounded number of questions, whatever the size of what they show."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from time import perf_counter
from typing import Any

import pytest

from billing.models import Batch, Claim
from clinic.money import dollars
from tests.admin.billing_world import Billing, make_batch, make_claim
from tests.admin.conftest import SignIn, text_of

PLACE = "/admin/billing/"
MANY = 100_000
QUERIES = 23
OF_A_PAGE = 29  # a claim's page tells the visit's thread beside its own


@contextmanager
def within(seconds: float) -> Iterator[None]:
    begins = perf_counter()
    yield
    assert perf_counter() - begins < seconds


@pytest.mark.parametrize(
    "path",
    [
        "claim/", "claim/?state=denied", "claim/refused/", "unclaimable/", "batch/", "document/", "answer/", "payment/",
        "payment/days/",
    ],
)  # fmt: skip
def test_a_list_asks_as_much_for_fifty_rows_as_for_one(
    sign_in: SignIn, billing: Billing, path: str, django_assert_max_num_queries: Any
) -> None:
    client = sign_in("operator")
    text_of(client, PLACE + path)
    with django_assert_max_num_queries(QUERIES):
        text_of(client, PLACE + path)
    for number in range(100, 120):
        make_batch(billing.region, number)
        make_claim(billing.region, number, state="denied")
    for row in (billing.answer, billing.parked):
        also: Any = row
        for number in range(100, 120):
            also.pk, also.place, also.segment, also.trace = None, number, number, f"T{number}"
            also.save()
    with django_assert_max_num_queries(QUERIES):
        text_of(client, PLACE + path)


@pytest.mark.slow
def test_a_page_asks_a_bounded_number_of_questions(
    sign_in: SignIn, billing: Billing, django_assert_max_num_queries: Any
) -> None:
    client = sign_in("operator")
    for path in (
        f"claim/{billing.paid.pk}/change/",
        f"batch/{billing.batch.pk}/change/",
        f"document/{billing.remittance.pk}/change/",
        f"payment/{billing.parked.pk}/change/",
        "claim/start/submit_claims/",
    ):
        text_of(client, PLACE + path)
        with django_assert_max_num_queries(OF_A_PAGE):
            text_of(client, PLACE + path)


@pytest.fixture
def many(billing: Billing) -> Billing:
    """A hundred thousand claims, half of them in one batch of ten thousand or another."""
    sets = []
    for number in range(1_000, 1_005):
        batch = make_batch(billing.region, number, claims=10_000, charge=Decimal("1200000.00"))
        sets.append(batch.sets.get())
    rows = (
        Claim(
            region=billing.region, control=f"MANY{number:07d}", kind="MED", patient_id="p", payer_id="60054",
            provider="1", first_day=date(2026, 3, 2), last_day=date(2026, 3, 2), charge=Decimal("120.10"),
            state="received" if number % 2 else "paid", batch_set=sets[number % 10] if number % 10 < 5 else None,
            appointment_id=f"V{number}",
        )
        for number in range(MANY)
    )  # fmt: skip
    Claim.objects.bulk_create(rows, batch_size=2_000)
    return billing


@pytest.mark.slow
def test_lists_of_a_hundred_thousand_claims_stay_quick(
    sign_in: SignIn, many: Billing, django_assert_max_num_queries: Any
) -> None:
    client = sign_in("operator")
    text_of(client, f"{PLACE}claim/")
    batch = Batch.objects.get(control=1_000)
    for path in (
        "claim/", "claim/?state=paid", "claim/?state=paid&p=200", "claim/?payer=60054&kind=MED", "claim/?q=V99999",
        "claim/?state=reversed", "claim/refused/", f"claim/?batch={batch.pk}", f"batch/{batch.pk}/change/",
    ):  # fmt: skip
        with within(2.0), django_assert_max_num_queries(QUERIES):
            page = text_of(client, PLACE + path)
    assert "More than 10,000 claims" in text_of(client, f"{PLACE}claim/?state=paid")
    assert "Together" not in text_of(client, f"{PLACE}claim/?state=paid")
    assert dollars(12_010 * 10_000) == client.get(f"{PLACE}claim/?batch={batch.pk}").context["sums"].charge
    assert page
