"""JSON that comes back as it went: a decimal keeps its digits, since 1.10 is another value than 1.1 in FHIR."""

import json
import re
import secrets
from decimal import Decimal
from typing import Any, Final

Json = dict[str, Any]

# A decimal is written as a text that nobody else can write, and its quotes are then taken away.
_MARK: Final = secrets.token_hex(16)
_MARKED: Final = re.compile(f'"{_MARK}:([-+.0-9Ee]+)"')


class Unreadable(Exception):
    """It is no JSON, or not the JSON that FHIR says. The message names the part and holds nothing of what was read."""


def read(body: bytes) -> Json:
    """The object in `body`, with every number that has a point or an exponent as a Decimal."""
    try:
        found = json.loads(body, parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Unreadable("json") from None
    if not isinstance(found, dict):
        raise Unreadable("json")
    return found


def write(value: Any) -> bytes:
    """`value` as JSON without blanks; Decimals as numbers."""
    text = json.dumps(value, separators=(",", ":"), default=_marked)
    return (_MARKED.sub(r"\1", text) if _MARK in text else text).encode()


def _marked(value: Any) -> str:
    if not isinstance(value, Decimal):
        raise TypeError(f"{type(value).__name__} is no JSON")
    return f"{_MARK}:{value}"


def _no_number(word: str) -> float:
    raise ValueError(word)
