"""Filters of the booking's pages."""

from decimal import Decimal

from django import template

register = template.Library()


@register.filter
def cents(amount: int | None, currency: str) -> str:
    """12.50 USD of 1250; "not said" for None."""
    return "not said" if amount is None else f"{Decimal(amount) / 100:,.2f} {currency}".strip()


@register.filter
def minutes(number: int) -> str:
    """4 h, 3 h 20 min, 45 min."""
    hours, rest = divmod(number, 60)
    return " ".join(part for part in (f"{hours} h" if hours else "", f"{rest} min" if rest else "") if part)
