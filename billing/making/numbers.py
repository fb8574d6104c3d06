"""CLM01 and REF 6R: numbers of our own, which say nothing of anybody.

A claim's number is thirteen characters (a clearinghouse's summary shows no more, edi.md 5.3): the kind (M, N), where
its services come from (R recovered, L loaded), their row in seven digits of base 36, part and version in two each. So
it is the same whoever makes the claim, another for each version, and never that of another claim of this database.
"""

from billing.making.sources import WRITE
from claims.edi.claims import Kind

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def control_number(kind: Kind, origin: str, pk: int, part: int, version: int) -> str:
    """CLM01. OverflowError where a number does not fit: 78 billion rows, 1,295 parts, 1,295 versions."""
    source = "R" if origin == WRITE else "L"
    return f"{kind[0]}{source}{base36(pk, 7)}{base36(part, 2)}{base36(version, 2)}"


def line_number(control: str, number: int) -> str:
    """REF 6R: the claim's number and the line's, from 1 to 50."""
    return f"{control}{number:02d}"


def base36(number: int, width: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = DIGITS[digit] + text
    if len(text) > width:
        raise OverflowError(f"a number of a claim does not fit into {width} characters")
    return text.rjust(width, "0")
