"""What the characters of a cell are: digits of any script, a plus, separators that may stand within a number, the rest.

Only decimal digits are digits. A superscript or a circled number is a footnote, and would make another number.
"""

import unicodedata
from typing import Final

PLUS: Final = "+\uff0b\ufb29"  # full width, and the Hebrew alternative
# Beside all blanks, dashes and invisible marks, which WhatsApp and Word put around numbers: points, brackets, quotes.
SEPARATORS: Final = ".()[]'`\"_~\xb7\u2022\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u2032\u2212"


def plain(text: str) -> str:
    """`text` with ASCII digits and pluses; line ends as \\n, other separators as they are, invisible marks gone."""
    return "".join(map(_plain, text))


def _plain(character: str) -> str:
    if character in "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029":
        return "\n"
    if character.isascii():
        return character
    if character in PLUS:
        return "+"
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    return {"Zs": " ", "Pd": "-", "Cf": ""}.get(category, character)


def is_separator(character: str) -> bool:
    """Whether a number is still one number with this between its digits; of plain text."""
    return character in SEPARATORS or character in " \t-"


def only_separators(text: str) -> bool:
    return all(map(is_separator, text))


def digits_of(text: str) -> str:
    return "".join(filter(str.isdecimal, text))
