"""How urgent a missing service is: money times urgency, by the days left to the payer's filing deadline."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import DateField, F, FloatField, Func, IntegerField, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Greatest, Round

# From this share of the time to file on, a row is near its deadline.
WARN_SHARE = Decimal("0.8")


def is_near(deadline: date, today: date, filing_days: int) -> bool:
    """Whether 80 % of the time to file has passed, or all of it."""
    return (deadline - today).days <= filing_days * (1 - WARN_SHARE)


def priority_of(at_stake: Decimal | None, deadline: date, today: date, filing_days: int) -> Decimal:
    """at stake · filing days / days left (at least 1); 0 after the deadline, or where nobody knows what is at stake."""
    days_left = (deadline - today).days
    if at_stake is None or days_left < 0:
        return Decimal(0)
    return (at_stake * filing_days / max(days_left, 1)).quantize(Decimal("0.01"))


def priority_sql(today: date, filing_days: int) -> Combinable:
    """The same as an expression over rows whose deadline has not passed. Floats are good enough to sort by."""
    weight = Value(float(filing_days)) / Cast(Greatest(DaysUntil(F("filing_deadline"), today), 1), FloatField())
    return Round(Cast(F("at_stake"), FloatField()) * weight, precision=2)


class DaysUntil(Func):
    """Whole days from `today` to a date column, on both databases."""

    output_field = IntegerField()
    template = "(%(expressions)s)"
    arg_joiner = " - "

    def __init__(self, day: Combinable, today: date) -> None:
        super().__init__(day, Value(today, output_field=DateField()))

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "CAST(julianday(%(expressions)s) AS INTEGER)"
        return self.as_sql(compiler, connection, template=template, arg_joiner=") - julianday(", **context)
