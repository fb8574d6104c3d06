"""How values in load_billing's files are spelled. ValueError says what one is not and what to do, never the value."""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from claims.edi.claims import Kind
from claims.edi.clean import is_clean
from claims.edi.npi import is_npi
from claims.edi.outbound import PHONE
from claims.edi.rules_parties import STATES, TAXONOMY
from claims.edi.rules_services import ICD10, MODIFIER, MOST_DIAGNOSES, PLACES, PROCEDURE

Read = Callable[[str], Any]
CENT = Decimal("0.01")


def text(most: int) -> Read:
    """Something, of at most so many characters."""

    def read(value: str) -> str:
        if not value.strip():
            raise ValueError("is empty: enter it")
        if len(value) > most or not value.isprintable():
            raise ValueError(f"is longer than {most} characters or not printable: shorten it")
        return value

    return read


def optional(read: Read) -> Read:
    """As `read`, or an empty text."""
    return lambda value: read(value) if value else ""


def identifier(value: str) -> str:
    """A number that a payer gave: it is sent as it stands, or not at all."""
    if not is_clean(value, 80) or len(value) < 2:
        raise ValueError("is not 2 to 80 capital letters, digits or plain marks: correct it")
    return value


def day(value: str) -> date:
    try:
        found = date.fromisoformat(value)
    except ValueError:
        found = None
    if found is None or found.isoformat() != value or not 1870 <= found.year <= 2200:
        raise ValueError("is no day as 2026-11-21: correct it")
    return found


def iso_day(value: str) -> str:
    return day(value).isoformat()


def code(allowed: Callable[[str], object], what: str) -> Read:
    """A text that `allowed` accepts; `what` says what it should be."""

    def read(value: str) -> str:
        if not allowed(value):
            raise ValueError(f"is not {what}: correct it")
        return value

    return read


def without(mark: str, read: Read) -> Read:
    """As `read`, after this mark was left out: 12-3456789 and E11.9 are how people write them."""
    return lambda value: read(value.replace(mark, ""))


def whole(least: int, most: int) -> Read:
    def read(value: str) -> int:
        if not (value.isascii() and value.isdigit() and len(value) <= 9 and least <= int(value) <= most):
            raise ValueError(f"is no whole number from {least} to {most:,}: correct it")
        return int(value)

    return read


def money(value: str) -> Decimal:
    try:
        amount = Decimal(value)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or not 0 <= amount < 10**8 or amount != amount.quantize(CENT):
        raise ValueError("is no amount of dollars from 0 with at most two decimals: correct it")
    return amount


def flag(value: str) -> bool:
    if value not in ("true", "false"):
        raise ValueError("is neither true nor false: correct it")
    return value == "true"


def modifiers(value: str) -> str:
    """Up to four, separated by blanks, commas or colons; joined by blanks."""
    found = re.split(r"[ ,:;]+", value.strip()) if value.strip() else []
    if len(found) > 4 or not all(map(MODIFIER.fullmatch, found)):
        raise ValueError(
            "is not up to four modifiers of two capital letters or digits, with blanks between: correct it"
        )
    return " ".join(found)


digits = re.compile(r"[0-9]+", re.ASCII)
npi = code(is_npi, "a valid NPI (ten digits with their check digit)")
tax_id = without("-", code(lambda value: digits.fullmatch(value) and len(value) == 9, "nine digits"))
taxonomy = code(TAXONOMY.fullmatch, "ten characters that end in X")
phone = code(PHONE.fullmatch, "ten digits without a leading 1")
state = code(STATES.__contains__, "a state's two capital letters")
zip_code = without("-", code(lambda value: digits.fullmatch(value) and len(value) in (5, 9), "5 or 9 digits"))
long_zip_code = without("-", code(lambda value: digits.fullmatch(value) and len(value) == 9, "nine digits"))
sex = code({"F", "M", "U"}.__contains__, "F, M or U")
hcpcs = code(PROCEDURE.fullmatch, "a CPT or HCPCS code")
place = code(PLACES.__contains__, "one of CMS's two-digit places of service")
kind = code({one.value for one in Kind}.__contains__, f"one of {', '.join(Kind)}")
icd10 = without(".", code(ICD10.fullmatch, "an ICD-10-CM code in capital letters"))
position = whole(1, MOST_DIAGNOSES)
