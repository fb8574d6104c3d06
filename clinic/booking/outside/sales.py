"""How an order at a point of sale stands by all that was told of it. Pure; amounts are cents.

The same events make the same sums and the same state, in whatever order they came: a refund that is told before its
payment is a refund still when the payment is told.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from clinic.booking.models import PosEvent, PosOrder

Kind, State = PosEvent.Kind, PosOrder.State
MOST = 10**13
LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """One event of an order; an amount that was not said is None, which only `placed` may have."""

    kind: str
    amount: int | None
    at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Sums:
    """PosOrder's columns of these names."""

    ordered: int | None
    paid: int
    refunded: int
    state: str


def sums_of(told: Collection[Told]) -> Sums:
    """What the order comes to is what was said last of it, by the sender's clock."""
    placed = [one for one in told if one.kind == Kind.PLACED and one.amount is not None]
    ordered = max(placed, key=lambda one: (one.at or LONG_AGO, one.amount)).amount if placed else None
    paid = sum(one.amount or 0 for one in told if one.kind == Kind.PAID)
    refunded = sum(one.amount or 0 for one in told if one.kind == Kind.REFUNDED)
    kinds = {one.kind for one in told}
    return Sums(ordered=ordered, paid=paid, refunded=refunded, state=_state(kinds, ordered, paid, refunded))


def news_of(sums: Sums) -> frozenset[str]:
    """What the house is told of an order that comes to this, once: that it is paid, and that all of that went back.

    A refund that is told before its payment waits for it: it says nothing while nothing is known to be paid.
    """
    paid = sums.state == State.PAID or (sums.paid > 0 and sums.paid >= (sums.ordered or 0))
    back = sums.state == State.REFUNDED and sums.paid > 0
    return frozenset({"payment.confirmed"} if paid else ()) | frozenset({"payment.refunded"} if back else ())


def _state(kinds: set[str], ordered: int | None, paid: int, refunded: int) -> str:
    if Kind.REFUNDED in kinds:
        return State.REFUNDED if refunded >= paid else State.PARTLY_REFUNDED
    if Kind.PAID in kinds:
        return State.PAID if ordered is None or paid >= ordered else State.PARTLY_PAID
    return State.PLACED


def cents(text: str) -> int | None:
    """12.50 as 1250; None for what is no amount of money, below zero, or finer than a cent."""
    try:
        amount = Decimal(text) * 100
    except InvalidOperation:
        return None
    if not amount.is_finite() or not 0 <= amount < MOST or amount != amount.to_integral_value():
        return None
    return int(amount)
