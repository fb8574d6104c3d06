"""Answers in any order, together or one by one, some of them twice: the same states and sums. edi.md 6.6."""

from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regions.models import Region
from tests.billing.answered import (
    HOUSE,
    arrive,
    denied,
    everything,
    paid,
    payment,
    process,
    remittance,
    reversed_,
    send,
    status,
    syntax,
    ta1,
)  # fmt: skip
from tests.edi import written
from tests.factories import RegionFactory

pytestmark = pytest.mark.django_db(transaction=True)
NUMBERS = count(1000)
FILES = 8


def answers(number: int) -> list[bytes]:
    """One of each kind, a payment, its reversal and what corrects it, and a claim that nobody knows."""
    taken_back = [*remittance("T2", reversed_("A1"), total=0, day="20260201"), "PLB*1*20261231*FB:T1*-130"]
    found = [
        ta1(number=number),
        syntax("A", "R", number=number),
        status(f"B{number}-1", [("A1", "A2:20:PR"), ("A2", "A7:562:85")]),
        status(f"B{number}-1", [("A1", "A2:20:PR")], source="PR"),
        payment("T1", paid("A1"), paid("Q1"), total=260),
        written.file_of("835", written.st("835", *taken_back)),
        payment("T3", denied("A1"), total=0, day="20260301"),
        payment("T4", paid("A3"), total=99),
    ]
    assert len(found) == FILES
    return found


def outcome(order: list[int], *, together: bool) -> list[object]:
    number = next(NUMBERS)
    region: Region = RegionFactory.create(clearinghouse=HOUSE)
    send(region, ["A1", "A2", "A3"], ["B1"], number=number)
    files = answers(number)
    for place, which in enumerate(order):
        again = files[which].replace(b"ISA*00*          ", b"ISA*00*%010d" % place)  # other bytes, the same said
        arrive(region, again)
        if not together:
            process(region)
    process(region)
    return everything(region)


@pytest.mark.slow
@given(st.permutations(range(FILES)), st.lists(st.integers(0, FILES - 1), max_size=3), st.booleans())
@settings(max_examples=8, suppress_health_check=list(HealthCheck))
def test_the_order_of_answers_and_their_repetition_change_nothing(
    transactional_db: None, order: list[int], twice: list[int], together: bool
) -> None:
    assert outcome([*order, *twice], together=together) == outcome(list(range(FILES)), together=True)
