"""Numbers that a spreadsheet took for quantities: 81234567890.0, 8.12346E+10, 81,234,567,890.

No function makes up a digit that is not there.
"""

import re
from typing import Final

SCIENTIFIC: Final = re.compile(r"\+?(\d+)(?:[.,](\d*))?\s?[eE]([+-]?)(\d{1,9})")
# One point or comma with one or two digits after it: a fraction, since nobody groups a number's end like that.
FRACTION: Final = re.compile(r"([^.,]*\d)[.,](\d{1,2})")
THOUSANDS: Final = re.compile(r"[1-9]\d{0,2}(?:([.,])\d{3})(?:\1\d{3})+(?:[.,]0{1,2})?")
LONGEST: Final = 15  # digits of an E.164 number, and those that a float or a spreadsheet keeps
SHOWN_ZEROS: Final = 5  # that many zeros end what was saved from a display like 8.12346E+10


class Unusable(Exception):
    """No number can be made of this; `reason` is its code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def of_number(value: int | float) -> str:
    """The digits of a cell that holds a number. Raises Unusable for fractions, and for what has lost its digits.

    81234600000 is what 8.12346E+10 becomes when a file is opened and saved: five zeros at the end of a numeric cell are
    lost digits far more often than a number.
    """
    if value < 0 or (isinstance(value, float) and not value.is_integer()):
        raise Unusable("not a number")
    if value >= 10**LONGEST:
        raise Unusable("digits lost" if isinstance(value, float) else "too long")
    digits = str(int(value))
    if digits != "0" and digits.endswith("0" * SHOWN_ZEROS):
        raise Unusable("digits lost")
    return digits


def of_scientific(match: re.Match[str]) -> str:
    """The digits of what SCIENTIFIC matches: 8.1234567890E+10, also with a decimal comma.

    Raises Unusable "digits lost" where the exponent asks for digits that are not there.
    """
    whole, fraction, exponent = match[1], match[2] or "", int(match[4])
    if match[3] == "-":
        raise Unusable("not a number")
    if exponent > len(fraction):
        raise Unusable("digits lost")
    if fraction[exponent:].strip("0"):
        raise Unusable("not a number")
    return whole + fraction[:exponent]


def without_fraction(text: str) -> str | None:
    """81234567890 of 81234567890.0; None where there is no fraction. Raises Unusable where it is not zero."""
    match = FRACTION.fullmatch(text)
    if match is None:
        return None
    if match[2].strip("0"):
        raise Unusable("not a number")
    return match[1]


def of_thousands(text: str) -> str | None:
    """The digits of 81,234,567,890 and 81.234.567.890, with .00 or without; None where the text is not of that form."""
    match = THOUSANDS.fullmatch(text)
    if match is None:
        return None
    grouping = match[1]
    whole, point, _ = text.rpartition("," if grouping == "." else ".")
    return (whole if point else text).replace(grouping, "")
