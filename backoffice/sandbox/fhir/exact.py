"""JSON whose decimals stay as they were written: a FHIR server gives 1.10 back as 1.10."""

import json
import re
from typing import Any, Final

# A decimal is held as a text that begins with what no text in FHIR may hold.
_MARK: Final = "\x00"
_WRITTEN: Final = re.compile(r'"\\u0000([-+.0-9eE]+)"')


def read(body: bytes) -> Any:
    """The value in `body`. Raises ValueError."""
    if b"\\u0000" in body:
        raise ValueError("a text holds U+0000")
    return json.loads(body, parse_float=lambda text: _MARK + text)


def write(value: Any) -> bytes:
    """The same value as JSON."""
    return _WRITTEN.sub(r"\1", json.dumps(value, separators=(",", ":"))).encode()
