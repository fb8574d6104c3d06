"""Text for X12's basic character set. There is no escape in X12: what would delimit becomes a blank."""

import re
import unicodedata
from functools import lru_cache

# What stays a letter of its own under NFKD, and the marks that text programs put for plain ones.
PLAIN = str.maketrans(
    {
        "Æ": "AE",
        "Œ": "OE",
        "Ø": "O",
        "Ł": "L",
        "Đ": "D",
        "Ð": "D",
        "Þ": "TH",
        "Ħ": "H",
        "Ŧ": "T",
        "Ŋ": "N",
        **dict.fromkeys("\u2018\u2019\u02bc", "'"),
        **dict.fromkeys("\u201c\u201d", '"'),
        **dict.fromkeys("\u2010\u2013\u2014\u2212", "-"),
    }
)
NOT_BASIC = re.compile(r"""[^A-Z0-9 !"&'()+,\-./;?=]+""")
CLEAN = re.compile(r"""[A-Z0-9!"&'()+,\-./;?=]+(?: [A-Z0-9!"&'()+,\-./;?=]+)*""")
ECHO = re.compile(r"[!-)+-9;-\]_-}]+(?: +[!-)+-9;-\]_-}]+)*")  # what ASCII shows but * : ^ ~
BLANKS = re.compile(r" {2,}")


@lru_cache(maxsize=8192)
def clean(text: str, most: int) -> str:
    """At most `most` characters of the basic set without the delimiters, no two blanks in a row and none outside."""
    if len(text) <= most and CLEAN.fullmatch(text):
        return text
    letters = (letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    upper = "".join(letters).upper().translate(PLAIN)
    blank = BLANKS.sub(" ", NOT_BASIC.sub(" ", upper))
    return blank.strip()[:most].strip()


def is_clean(identifier: str, most: int) -> bool:
    """Whether it may be sent as it stands: an identifier that would have to be altered would name somebody else."""
    return len(identifier) <= most and CLEAN.fullmatch(identifier) is not None


def is_echo(identifier: str, most: int) -> bool:
    """Whether an identifier of somebody else's, small letters and all, can be given back as it came."""
    return len(identifier) <= most and ECHO.fullmatch(identifier) is not None
