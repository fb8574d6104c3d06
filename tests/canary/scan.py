"""The scan: canaries in a text, in whatever way the text has wrapped them up."""

import base64
import html
import quopri
import re
import unicodedata
import zlib
from binascii import Error as NotBase64
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote_plus

from tests.canary.values import CANARIES, Canary

DEEP = 4  # wrappings within one another, such as base64 in JSON in an address
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{8,}(?:\s{1,3}[A-Za-z0-9+/_-]{8,})*={0,2}")
_ESCAPED = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))")
_HEX = re.compile(r"(?<![0-9a-f])(?:[0-9a-f]{2}){6,}(?![0-9a-f])", re.IGNORECASE)
_BETWEEN_DIGITS = re.compile(r"(?<=\d)[\s().,\-+/·]{1,3}(?=\d)")


@dataclass(frozen=True, slots=True)
class Found:
    """A canary where none belongs; `around` is what stands beside it."""

    channel: str
    canary: str
    around: str

    def __str__(self) -> str:
        return f"{self.channel}: {self.canary} in …{self.around}…"


def scan(channel: str, text: str | bytes) -> list[Found]:
    """Each canary once for each text that has it."""
    found: dict[str, Found] = {}
    for plain in _unwrapped(text):
        for canary, around in _within(plain):
            found.setdefault(canary.name, Found(channel, canary.name, around))
    return list(found.values())


def scan_all(emitted: Iterable[tuple[str, str | bytes]]) -> list[Found]:
    return [one for channel, text in emitted for one in scan(channel, text)]


def _within(text: str) -> Iterator[tuple[Canary, str]]:
    folded = _folded(text)
    digits = _BETWEEN_DIGITS.sub("", folded)
    for canary in CANARIES:
        for where, needles in ((folded, map(_folded, canary.texts)), (digits, canary.digits)):
            for needle in needles:
                at = where.find(needle)
                if at >= 0:
                    yield canary, where[max(0, at - 90) : at + 90].replace("\n", "⏎")


def _folded(text: str) -> str:
    """Without upper case and accents."""
    if not text.isascii():
        text = "".join(each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each))
    return text.lower()


def _unwrapped(text: str | bytes) -> Iterator[str]:
    """The text, and what comes of it by taking off wrappings, each kind as often as there is something to take off."""
    plain = text if isinstance(text, str) else text.decode(errors="replace")
    seen, layer = {plain}, [plain]
    if isinstance(text, bytes) and (inner := _inflated(text)):
        layer.append(inner)
    for _ in range(DEEP):
        yield from layer
        layer = [inner for outer in layer for take_off in WRAPPINGS for inner in take_off(outer)]
        layer = [inner for inner in dict.fromkeys(layer) if inner and inner not in seen]
        seen.update(layer)
    yield from layer


def _inflated(data: bytes) -> str:
    try:
        return zlib.decompress(data).decode(errors="replace")
    except zlib.error:
        return ""


def _percent(text: str) -> list[str]:
    return [unquote_plus(text)] if "%" in text or "+" in text else []


def _entities(text: str) -> list[str]:
    return [html.unescape(text)] if "&" in text else []


def _escapes(text: str) -> list[str]:
    r"""JSON's and Python's \u00f6, \xc3\xb6 (of bytes) and \/."""
    if "\\" not in text:
        return []

    def meant(match: re.Match[str]) -> str:
        code = match[1] or match[2]
        return chr(int(code, 16)) if code else {"n": "\n", "r": "\r", "t": "\t"}.get(match[3], match[3])

    opened = _ESCAPED.sub(meant, text)
    try:
        return [opened, opened.encode("latin-1").decode()]
    except UnicodeError:
        return [opened]


def _quoted_printable(text: str) -> list[str]:
    return [quopri.decodestring(text.encode()).decode(errors="replace")] if "=" in text else []


def _of_base64(text: str) -> list[str]:
    """What runs of base64 hold, begun at any letter of them; one line for each."""
    opened = []
    for match in _BASE64.finditer(text):
        run = re.sub(r"\s", "", match[0]).rstrip("=").replace("-", "+").replace("_", "/")
        for begins in range(4):
            part = run[begins : begins + (len(run) - begins) // 4 * 4 + 3]
            part = part[: len(part) - (len(part) % 4 == 1)]
            try:
                data = base64.b64decode(part + "=" * (-len(part) % 4))
            except (NotBase64, ValueError):
                continue
            opened.append(_inflated(data) or data.decode(errors="ignore"))
    return ["\n".join(opened)] if opened else []


def _of_hex(text: str) -> list[str]:
    return ["\n".join(bytes.fromhex(match[0]).decode(errors="ignore") for match in _HEX.finditer(text))]


WRAPPINGS: tuple[Callable[[str], list[str]], ...] = (
    _percent, _entities, _escapes, _quoted_printable, _of_base64, _of_hex,
)  # fmt: skip
