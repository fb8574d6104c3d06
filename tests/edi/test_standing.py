"""A claim's state is a fold over its events: late and repeated answers never step back. edi.md 6.6; X-18."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claims.edi.status import ADJUDICATED, RANKS, Event, Standing, State, standing

BEFORE_ADJUDICATION = [state for state in State if state not in ADJUDICATED]
STEPS = st.builds(
    lambda number, state: Event(key=f"answer {number}", state=state),
    st.integers(0, 10**6),
    st.sampled_from(BEFORE_ADJUDICATION),
)
ADJUDICATIONS = st.builds(
    lambda number, day, state, cents: Event(
        key=f"payment {number}",
        state=state,
        order=(f"2026-01-{day:02}", f"trace {number % 3}", number),
        paid=Decimal(cents) / 100,
    ),
    st.integers(0, 10**6),
    st.integers(1, 3),
    st.sampled_from(sorted(ADJUDICATED)),
    st.integers(-10_000, 10_000),
)
EVENTS = st.lists(st.one_of(STEPS, ADJUDICATIONS), max_size=12, unique_by=lambda event: event.key)


def event(key: str, state: State, day: str = "", segment: int = 0, paid: int = 0) -> Event:
    return Event(key=key, state=state, order=(day, "trace", segment), paid=Decimal(paid))


@given(EVENTS, st.randoms())
def test_the_order_in_which_answers_come_does_not_matter(events: list[Event], random: object) -> None:
    shuffled = list(events)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert standing(shuffled) == standing(events)


@given(EVENTS, EVENTS)
def test_a_repeated_answer_changes_nothing(events: list[Event], more: list[Event]) -> None:
    """The same file twice: nothing is booked twice."""
    assert standing([*events, *events]) == standing(events)


@given(st.lists(STEPS, max_size=12), STEPS)
def test_a_further_answer_never_lowers_the_rank(events: list[Event], late: Event) -> None:
    known = [each for each in events if each.key != late.key]
    assert RANKS[standing([*known, late]).state] >= RANKS[standing(known).state]


@given(EVENTS.filter(lambda events: any(each.state in ADJUDICATED for each in events)), STEPS)
def test_nothing_before_the_835_changes_what_it_said(events: list[Event], late: Event) -> None:
    assert standing([*events, late]) == standing(events)


@given(EVENTS)
def test_what_was_paid_is_the_sum_of_the_adjudications(events: list[Event]) -> None:
    assert standing(events).paid == sum(each.paid for each in events if each.state in ADJUDICATED)


def test_a_claim_without_events_is_a_draft() -> None:
    assert standing([]) == Standing(state=State.DRAFT)


@pytest.mark.parametrize(
    ("states", "state"),
    [
        ([State.UPLOADED, State.RECEIVED], State.RECEIVED),
        ([State.UPLOADED, State.FILE_FAILED, State.RECEIVED], State.FILE_FAILED),
        ([State.ACCEPTED_BY_CLEARINGHOUSE, State.RECEIVED], State.ACCEPTED_BY_CLEARINGHOUSE),
        ([State.ACCEPTED_BY_CLEARINGHOUSE, State.REJECTED_BY_PAYER], State.REJECTED_BY_PAYER),
        ([State.REJECTED_BY_CLEARINGHOUSE, State.ACCEPTED_BY_CLEARINGHOUSE], State.REJECTED_BY_CLEARINGHOUSE),
        ([State.PENDING, State.ACCEPTED_BY_PAYER], State.PENDING),
        ([State.PAID, State.REJECTED_BY_PAYER], State.PAID),
    ],
)
def test_the_further_state_stands(states: list[State], state: State) -> None:
    assert standing(event(str(number), each) for number, each in enumerate(states)).state == state


def test_a_reversal_steps_back_and_what_follows_it_stands() -> None:
    """The one legal step back, in one 835 or over several, whichever is read first."""
    paid = event("1", State.PAID, "2026-01-05", 10, 80)
    back = event("2", State.REVERSED, "2026-02-05", 10, -80)
    again = event("3", State.PARTLY_PAID, "2026-02-05", 20, 60)
    assert standing([paid, back]) == Standing(state=State.REVERSED)
    for events in ([paid, back, again], [again, back, paid], [back, again, paid]):
        assert standing(events) == Standing(state=State.PARTLY_PAID, paid=Decimal(60), corrected=True)


def test_a_reversal_after_its_correction_in_the_same_set_is_still_of_what_was_before() -> None:
    again = event("3", State.PAID, "2026-02-05", 10, 60)
    back = event("2", State.REVERSED, "2026-02-05", 20, -80)
    assert standing([event("1", State.PAID, "2026-01-05", 1, 80), again, back]).state == State.PAID


AMOUNTS = (80, 60, 40, 20)
TRACES = st.lists(st.sampled_from(["A", "B", "T1", "T9", "Z"]), min_size=7, max_size=7)


@given(
    st.integers(2, 7), st.lists(st.integers(0, 1), min_size=7, max_size=7), TRACES, st.permutations(range(7)),
    st.randoms(),
)  # fmt: skip
def test_payments_that_are_reversed_and_corrected_in_files_of_one_day_come_out_right(
    length: int, steps: list[int], traces: list[str], segments: list[int], random: object
) -> None:
    """Paid, taken back, paid otherwise and so on, some of it on one day: the last of them stands, whatever the traces
    are and wherever in its set each stands."""
    events, day = [], 1
    for number in range(length):
        day += steps[number]
        amount = AMOUNTS[number // 2]
        back = number % 2 == 1
        state = State.REVERSED if back else (State.PAID, State.PARTLY_PAID)[number // 2 % 2]
        order = (f"2026-01-{day:02}", traces[number], segments[number])
        events.append(Event(key=str(number), state=state, order=order, paid=Decimal(-amount if back else amount)))
    last = events[-1]
    random.shuffle(events)  # type: ignore[attr-defined]
    found = standing(events)
    assert (found.state, found.paid) == (last.state, max(last.paid, Decimal(0)))


def test_a_correction_of_the_same_amount_on_the_day_of_the_reversal_is_last() -> None:
    """Such as a denial that stays one, for another reason."""
    paid = event("9", State.DENIED, "2026-01-05")
    back, again = event("2", State.REVERSED, "2026-02-05", 9), event("1", State.PATIENT_SHARE, "2026-02-05", 1)
    assert standing([again, paid, back]).state == State.PATIENT_SHARE
