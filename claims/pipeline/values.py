"""How the values of reference tables are spelled in their files; ValueError says what one should have been."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from claims.edi.clean import clean, is_clean
from claims.edi.outbound import PHONE


def text(value: str) -> str:
    if not value or len(value) > 40:
        raise ValueError("is empty or longer than 40 characters")
    return value


def description(value: str) -> str:
    return value[:300]


def day(value: str) -> date:
    found = date.fromisoformat(value)
    if found.isoformat() != value:
        raise ValueError("is not a day as 2026-11-21")
    return found


def money(value: str) -> Decimal:
    amount = Decimal(value)
    if (
        not amount.is_finite()
        or amount < 0
        or amount != amount.quantize(Decimal("0.01"))
        or amount >= Decimal(10) ** 13
    ):
        raise ValueError("is no amount of dollars from 0 with at most two decimals")
    return amount


def percent(value: str) -> Decimal:
    amount = money(value)
    if amount >= 1000:
        raise ValueError("is no percentage below 1000")
    return amount


def share(value: str) -> Decimal:
    amount = money(value)
    if amount > 100:
        raise ValueError("is no share: it is above 100 percent")
    return amount


def flag(value: str) -> bool:
    if value not in ("true", "false"):
        raise ValueError("is neither true nor false")
    return value == "true"


def count(value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) <= 9):
        raise ValueError("is no whole number from 0")
    return int(value)


def year(value: str) -> int:
    found = count(value)
    if not 1 <= found <= 9999:
        raise ValueError("is no year")
    return found


def latin(value: str) -> str:
    """What X12 can carry something of."""
    if not clean(value, 60):
        raise ValueError("is empty, or has no Latin letter")
    return value


def plain(value: str) -> str:
    """What X12 carries as it stands."""
    if not is_clean(value, 40):
        raise ValueError("is empty, longer than 40 characters, or not in capital letters and digits")
    return value


def tax_id(value: str) -> str:
    if not (value.isascii() and value.isdigit() and len(value) == 9):
        raise ValueError("is not nine digits")
    return value


def phone(value: str) -> str:
    if not PHONE.fullmatch(value):
        raise ValueError("is not ten digits without a leading 1")
    return value


def optional(read: Callable[[str], Any]) -> Callable[[str], Any]:
    return lambda value: read(value) if value else None
