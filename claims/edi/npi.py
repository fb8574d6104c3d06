"""National provider identifiers."""

import re

FORM = re.compile(r"[12][0-9]{9}")
PREFIX = 24  # what 80840, the issuer's number, adds to the sum
DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def is_npi(text: str) -> bool:
    """Ten digits, the first 1 or 2, and Luhn's check digit over 80840 and the number."""
    if not FORM.fullmatch(text):
        return False
    digits = [int(digit) for digit in text]
    return (PREFIX + sum(DOUBLED[digit] for digit in digits[0::2]) + sum(digits[1::2])) % 10 == 0


def with_check_digit(nine: str) -> str:
    """The NPI that nine digits begin, the first of them 1 or 2."""
    return next(npi for npi in (f"{nine}{digit}" for digit in range(10)) if is_npi(npi))
