"""What an answer makes of a claim, and what all answers together make of it. Source: edi.md 6.2 to 6.4 and 6.6.

A claim's state is a function of the events that were stored for it, whatever order they came in: `standing`. Nothing is
ever changed or removed for a new one, a late answer does not step back, and the same answer twice changes nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from itertools import groupby

from claims.edi.remittance import ZERO


class State(StrEnum):
    """A claim's states, in the order in which they follow each other; RANKS says which stands against which."""

    DRAFT = "draft"
    VALIDATED = "validated"
    BATCHED = "batched"
    UPLOADED = "uploaded"
    RECEIVED = "received"
    FILE_FAILED = "file failed"
    ACCEPTED_BY_CLEARINGHOUSE = "accepted by clearinghouse"
    IN_TRANSIT = "in transit"
    REJECTED_BY_CLEARINGHOUSE = "rejected by clearinghouse"
    ACCEPTED_BY_PAYER = "accepted by payer"
    PENDING = "pending"
    INFORMATION_REQUESTED = "information requested"
    REJECTED_BY_PAYER = "rejected by payer"
    FINALISED = "finalised, waiting for the 835"
    PAID = "paid"
    PARTLY_PAID = "partly paid"
    DENIED = "denied"
    PATIENT_SHARE = "patient share"
    NEXT_PAYER = "paid, waiting for next payer"
    FORWARDED = "forwarded"
    NO_PAYMENT = "no payment"
    REVERSED = "reversed"


RANKS = {state: rank for rank, state in enumerate(State)}
ADJUDICATED = frozenset(state for state in State if RANKS[state] >= RANKS[State.PAID])
CLEARINGHOUSE = "AY"
REJECTED = frozenset(("A3", "A4", "A6", "A7", "A8"))  # of a 277; A4, not found, is for a person to check as well
ON_THE_WAY = {"A0": State.IN_TRANSIT, "A1": State.RECEIVED}
KINDS = {"P": State.PENDING, "R": State.INFORMATION_REQUESTED, "F": State.FINALISED}


def of_file(code: str) -> State | None:
    """TA1 or 999 (TA104, IK501, AK901): "received" is of the syntax only. None where nothing was decided."""
    if code in ("A", "E"):
        return State.RECEIVED
    return State.FILE_FAILED if code in ("R", "M", "W", "X") else None


def of_category(category: str, source: str) -> State | None:
    """A 277's category, from the clearinghouse (AY) or the payer (any other). None: it moves no claim (E, D0)."""
    if category in ("A2", "A5"):
        return State.ACCEPTED_BY_CLEARINGHOUSE if source == CLEARINGHOUSE else State.ACCEPTED_BY_PAYER
    if category in REJECTED:
        return State.REJECTED_BY_CLEARINGHOUSE if source == CLEARINGHOUSE else State.REJECTED_BY_PAYER
    return ON_THE_WAY.get(category) or KINDS.get(category[:1])


def of_categories(categories: Iterable[str], source: str) -> State | None:
    """Of several, those of the lines among them, the worst: one rejected line rejects the claim."""
    found = [state for category in categories if (state := of_category(category, source))]
    return max(found, key=RANKS.__getitem__, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One answer about one claim, as it was stored.

    `order` compares adjudications, which may step back by right (in_order): the day of payment (ISO), what names its
    set, the segment. Other states have their rank alone. `key` names the event whatever file
    repeats it.
    """

    key: str
    state: State
    order: tuple[str, str, int] = ("", "", 0)
    paid: Decimal = ZERO
    share: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """`paid`: the sum of all adjudications, reversals among them. `corrected`: adjudicated again after a reversal."""

    state: State
    paid: Decimal = ZERO
    share: Decimal = ZERO
    corrected: bool = False


def standing(events: Iterable[Event]) -> Standing:
    """The state that the events make: the last adjudication, or, where there is none, the state of highest rank."""
    known = list(events)
    adjudications = in_order(known)
    if not adjudications:
        return Standing(state=max((event.state for event in known), key=RANKS.__getitem__, default=State.DRAFT))
    last = adjudications[-1]
    return Standing(
        state=last.state,
        paid=sum((event.paid for event in adjudications), ZERO),
        share=last.share,
        corrected=last.state != State.REVERSED and any(event.state == State.REVERSED for event in adjudications),
    )


def in_order(events: Iterable[Event]) -> list[Event]:
    """Those that adjudicate, each once, by the day of payment.

    Of one day, in whatever sets, traces do not say what came first: what a reversal of the same day takes back stands
    before it, and everything else after it, as what corrects. A reversal takes back what was paid with its amount: on
    a day before, if there is such a payment, else on the same day.
    """
    known = sorted({event.key: event for event in events if event.state in ADJUDICATED}.values(), key=_place)
    if all(event.state != State.REVERSED for event in known):
        return known
    open_before: list[Decimal] = []
    found: list[Event] = []
    for _, some in groupby(known, key=lambda event: event.order[0]):
        found += _of_day(list(some), open_before)
    return found


def _of_day(events: list[Event], open_before: list[Decimal]) -> list[Event]:
    """In their order. `open_before`: what was paid on days before and not taken back; it is brought up to date."""
    reversals = [event for event in events if event.state == State.REVERSED]
    rest = [event for event in events if event.state != State.REVERSED]
    taken_back = []
    for amount in (-event.paid for event in reversals):
        if amount in open_before:
            open_before.remove(amount)
        elif of_it := next((event for event in rest if event.paid == amount), None):
            rest.remove(of_it)
            taken_back.append(of_it)
    open_before += [event.paid for event in rest]
    return [*taken_back, *reversals, *rest]


def _place(event: Event) -> tuple[str, str, int, str]:
    return *event.order, event.key
