"""Takes a cell's text apart: several numbers, and the labels around one."""

import re
from collections.abc import Iterable
from typing import Final

from regions.phones.characters import digits_of, is_separator

# "HP1:", "Telp. 2)" — the digit belongs to the label.
NUMBERED_LABEL: Final = re.compile(r"[^\W\d_][^\d+]{0,40}\d ?[:)=]")
LIST: Final = re.compile(r"[\n/;|&\\]|(?<![^\W\d_])(?:atau|or|dan|and)(?![^\W\d_])", re.IGNORECASE)
ANOTHER_PLUS: Final = re.compile(r"\s(?=\+)")
LABEL_BETWEEN: Final = re.compile(r"(?<=[\s()\]])[^\W\d_][^\d+]{0,40}(?=[\s(\[:.])")
SHORTEST: Final = 7


def listed(text: str) -> list[str]:
    """The numbers that a line end, slash, semicolon, bar, "atau" … sets apart; pieces without a digit left out."""
    return _with_digits(LIST.split(text))


def by_comma(text: str) -> list[str]:
    """The numbers that a comma sets apart; a blank before a plus begins another one too."""
    return _with_digits(piece for part in text.split(",") for piece in ANOTHER_PLUS.split(part))


def by_label(text: str) -> list[str]:
    """The numbers that a word between blanks sets apart: "0812 3456 7890 (WA) 0281 123456".

    Where a piece is too short to be a number, the text is one piece: nobody knows whether those digits belong to it.
    """
    pieces = _with_digits(LABEL_BETWEEN.split(text))
    return pieces if len(pieces) > 1 and all(len(digits_of(piece)) >= SHORTEST for piece in pieces) else [text]


def bare(text: str) -> tuple[str, bool]:
    """(The number from its plus or first digit to its last digit, whether a label stood around it)."""
    label = NUMBERED_LABEL.match(text.lstrip())
    rest = text.lstrip()[label.end() :] if label and digits_of(text.lstrip()[label.end() :]) else text
    first = next((at for at, character in enumerate(rest) if character.isdecimal() or character == "+"), len(rest))
    last = max((at for at, character in enumerate(rest) if character.isdecimal()), default=first - 1)
    around = rest[:first] + rest[last + 1 :]
    labelled = rest is not text or not all(is_separator(character) for character in around)
    return rest[first : last + 1], labelled


def _with_digits(pieces: Iterable[str]) -> list[str]:
    return [piece for piece in pieces if digits_of(piece)]
