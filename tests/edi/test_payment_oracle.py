"""An oracle reads the same claims, lines, money and balance in payments made at random. Issue 5; edi.md 6.5."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.edi.oracle_835 import compare
from tests.edi.written import HEAD_835, PAYMENT, file_of
from tests.edi.written import st as set_of

CENTS = st.integers(-100_00, 100_00)
GROUPS = st.sampled_from(("CO", "PR", "OA", "PI"))
TRIPLETS = st.lists(st.tuples(st.sampled_from(("1", "45", "97", "253")), CENTS, st.booleans()), min_size=1, max_size=6)


def dollars(cents: int) -> str:
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02}"


@st.composite
def adjustments(draw: st.DrawFn) -> tuple[list[str], int]:
    """CAS segments, and what they take off."""
    segments, off = [], 0
    for group in draw(st.lists(GROUPS, max_size=2, unique=True)):
        triplets = draw(TRIPLETS)
        off += sum(cents for _, cents, _ in triplets)
        parts = [f"{reason}*{dollars(cents)}*{1 if counted else ''}" for reason, cents, counted in triplets]
        segments.append(f"CAS*{group}*{'*'.join(parts)}".rstrip("*"))
    return segments, off


@st.composite
def claims(draw: st.DrawFn) -> tuple[list[str], int]:
    """A claim that balances, or misses by a cent now and then; and what it paid."""
    own, off = draw(adjustments())
    lines, charge = [], 0
    for number in range(draw(st.integers(0, 3))):
        segments, off_line = draw(adjustments())
        charged = draw(CENTS)
        missing = draw(st.sampled_from((0, 0, 0, 1)))
        lines += [f"SVC*HC:9921{number}*{dollars(charged)}*{dollars(charged - off_line - missing)}**1", *segments]
        charge, off = charge + charged, off + off_line
    charge = charge if lines else draw(CENTS)
    paid = charge - off - draw(st.sampled_from((0, 0, 0, 1)))
    clp = f"CLP*A{draw(st.integers(1, 99))}*1*{dollars(charge)}*{dollars(paid)}*0*12*P1*11*1"
    return [clp, *own, "NM1*QC*1*DOE*JANE****MI*M1", *lines], paid


@st.composite
def payments(draw: st.DrawFn) -> bytes:
    sets = []
    for number in range(1, draw(st.integers(1, 3)) + 1):
        made = draw(st.lists(claims(), min_size=1, max_size=4))
        provider = draw(st.integers(-50_00, 50_00))
        total = sum(paid for _, paid in made) - provider + draw(st.sampled_from((0, 0, 0, 1)))
        head = [HEAD_835[0].replace("*130*", f"*{dollars(total)}*"), *HEAD_835[1:]]
        body = [segment for claim, _ in made for segment in claim]
        sets.append(set_of("835", *head, *body, f"PLB*1245319599*20261231*WO:A1*{dollars(provider)}", number=number))
    return file_of("835", *sets)


def test_an_oracle_reads_the_same_in_a_payment_of_every_kind_of_segment() -> None:
    compare(PAYMENT)


@pytest.mark.slow
@given(payments())
def test_an_oracle_reads_the_same_in_any_payment(data: bytes) -> None:
    compare(data)
