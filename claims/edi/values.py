"""Elements as values: money, counts, dates. Garbage is a finding and a value that does no harm, never an exception."""

import re
from datetime import date
from decimal import Decimal

from claims.edi.findings import Findings
from claims.edi.x12 import Segment

ZERO = Decimal(0)
# X12's type R, and no 1E5, NaN or ٣
is_number = re.compile(r"-?(?:[0-9]{1,15}(?:\.[0-9]{0,9})?|\.[0-9]{1,9})").fullmatch


def money(segment: Segment, element: int, findings: Findings) -> Decimal:
    """Dollars. 0 where the element is empty or, with a finding, where it is no number."""
    text = segment.at(element)
    if not text:
        return ZERO
    if is_number(text):
        return Decimal(text)
    findings.add(segment.place(element), "amount")
    return ZERO


def quantity(segment: Segment, element: int, findings: Findings) -> Decimal | None:
    """As money; None where the element is empty."""
    return money(segment, element, findings) if segment.at(element) else None


def count(segment: Segment, element: int, findings: Findings) -> int:
    """A count from 0. 0 where the element is empty or, with a finding, where it is none."""
    text = segment.at(element)
    if not text:
        return 0
    if text.isascii() and text.isdecimal() and len(text) <= 15:
        return int(text)
    findings.add(segment.place(element), "number")
    return 0


def day(segment: Segment, element: int, findings: Findings) -> date | None:
    """A date as CCYYMMDD, or as YYMMDD of this century."""
    text = segment.at(element)
    found = day_of(text)
    if text and not found:
        findings.add(segment.place(element), "date")
    return found


def days(segment: Segment, form: int, element: int, findings: Findings) -> tuple[date | None, date | None]:
    """From and through of a DTP: one day (D8, also with a time of day), or a range (RD8)."""
    text = segment.at(element)
    if segment.at(form) == "RD8":
        first, _, last = text.partition("-")
    else:
        first = last = text[:8]
    found = day_of(first.strip()), day_of(last.strip())
    if text and None in found:
        findings.add(segment.place(element), "date")
    return found


def day_of(text: str) -> date | None:
    if not (text.isascii() and text.isdecimal() and len(text) in (6, 8)):
        return None
    text = text if len(text) == 8 else f"20{text}"
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None


def same_number(one: str, other: str) -> bool:
    """Control numbers are equal whatever zeros they are padded with."""
    return one.strip().lstrip("0") == other.strip().lstrip("0")
