"""Sums of money that are exact on both databases: added up as whole cents, since SQLite adds decimals as floats."""

from decimal import Decimal

from django.db.models import BigIntegerField, F
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Round


def in_cents(column: str) -> Combinable:
    """A row's amount as whole cents, to be summed."""
    return Cast(Round(F(column) * 100), BigIntegerField())


def dollars(cents: int | None) -> Decimal:
    """The sum as money; nothing summed is 0.00."""
    return (Decimal(cents or 0) / 100).quantize(Decimal("0.01"))
