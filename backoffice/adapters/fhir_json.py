"""JSON that comes back as it went: a decimal keeps its digits, since 1.10 is another value than 1.1 in FHIR."""

import json
import re
import secrets
from dataclasses import dataclass
from typing import Any, Final

Json = dict[str, Any]

# A decimal is written as a text that nobody else can write, and its quotes are then taken away.
_MARK: Final = secrets.token_hex(16)
_MARKED: Final = re.compile(f'"{_MARK}:([-+.0-9Ee]+)"')


@dataclass(frozen=True, slots=True)
class Number:
    """A number with a point or an exponent, as it was written."""

    text: str

    def __float__(self) -> float:
        return float(self.text)


class Unreadable(Exception):
    """It is no JSON, or not the JSON that FHIR says. The message names the part and holds nothing of what was read."""


def read(body: bytes) -> Json:
    """The object in `body`, with every number that has a point or an exponent as a Number."""
    try:
        found = json.loads(body, parse_float=Number, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Unreadable("json") from None
    if not isinstance(found, dict):
        raise Unreadable("json")
    return found


def write(value: Any) -> bytes:
    """`value` as JSON without blanks."""
    text = json.dumps(value, separators=(",", ":"), default=_marked)
    return (_MARKED.sub(r"\1", text) if _MARK in text else text).encode()


def _marked(value: Any) -> str:
    if not isinstance(value, Number):
        raise TypeError(f"{type(value).__name__} is no JSON")
    return f"{_MARK}:{value.text}"


def _no_number(word: str) -> float:
    raise ValueError(word)
