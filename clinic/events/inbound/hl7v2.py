"""HL7 v2 messages of a laboratory, ORU^R01 and OML^O21: what they tell of samples, and their acknowledgements.

Sources: HL7 v2.5.1, chapters 2 (acknowledgements, tables 0008 and 0357), 4 (ORC, OML) and 7 (OBR, SPM, table 0123).
"""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any

import hl7

from clinic.events.inbound.cloudevents import PLAIN
from clinic.events.inbound.storing import Told

TYPES = {"ORU": "R01", "OML": "O21"}
MOST_CONTROL_ID = 70
# OBR-25, HL7's table 0123. What is left out says nothing of the sample.
RESULT_STATES = {
    "O": "ordered", "S": "ordered", "I": "received", "R": "preliminary", "P": "preliminary", "A": "preliminary",
    "F": "resulted", "C": "resulted", "X": "cancelled",
}  # fmt: skip
CANCELLED = ("CA", "DC", "OC", "CR")
MOMENT = re.compile(r"(\d{8})(\d{2})?(\d{2})?(\d{2})?(?:\.\d{1,4})?([+-]\d{4})?")


class Refused(Exception):
    """The message is not taken: `code` of table 0008 (AE: it is wrong; AR: not here or not now), `error` of 0357."""

    def __init__(self, code: str, error: int, text: str) -> None:
        super().__init__(text)
        self.code, self.error, self.text = code, error, text


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """MSH, as far as it could be read; texts as they stand in the message, with its own separators."""

    separators: str = "|^~\\&"
    sender: str = ""
    facility: str = ""
    receiver: str = ""
    receiving_facility: str = ""
    type: str = ""
    trigger: str = ""
    control_id: str = ""
    processing: str = ""
    version: str = ""

    @property
    def message_id(self) -> str:
        """What tells the message from all others of the region: the sender counts its control ids."""
        return "|".join((self.sender, self.facility, self.control_id))


@dataclass(kw_only=True, slots=True)
class Order:
    """The segments of one order of a message, by name."""

    segments: dict[str, Any] = field(default_factory=dict)


def header_of(body: bytes) -> Header:
    """The header of whatever came: of a message that is cut off, or is none at all, as much as there is."""
    line = text_of(body[:4000]).lstrip().split("\r")[0]
    if not line.startswith("MSH") or len(line) < 8:
        return Header()
    fields = line.split(line[3])
    at = dict(enumerate(fields, start=1))
    separators = line[3] + (at[2] + "^~\\&"[len(at[2]) :])[:4]
    kind = at.get(9, "").split(separators[1])
    return Header(
        separators=separators,
        sender=at.get(3, "")[:60], facility=at.get(4, "")[:60],
        receiver=at.get(5, "")[:60], receiving_facility=at.get(6, "")[:60],
        type=kind[0], trigger=kind[1] if len(kind) > 1 else "",
        control_id=at.get(10, ""), processing=at.get(11, "").split(separators[1])[0],
        version=at.get(12, "").split(separators[1])[0],
    )  # fmt: skip


def check(header: Header) -> None:
    """Refused, unless it is a message that is taken here."""
    if header == Header():
        raise Refused("AR", 100, "No MSH segment")
    if not 0 < len(header.control_id) <= MOST_CONTROL_ID:
        raise Refused("AE", 101, "MSH-10 is missing or too long")
    if "\0" in header.message_id:
        raise Refused("AE", 102, "MSH-3, MSH-4 or MSH-10 holds a NUL character")
    if header.type not in TYPES:
        raise Refused("AR", 200, "Unsupported message type")
    if header.trigger != TYPES[header.type]:
        raise Refused("AR", 201, "Unsupported event code")
    if header.processing not in ("P", ""):
        raise Refused("AR", 202, "Unsupported processing id")
    if not header.version.startswith("2."):
        raise Refused("AR", 203, "Unsupported version id")


def told_by(body: bytes, header: Header, zone: tzinfo) -> list[Told]:
    """An event for each order; Refused where one has no number. Times without an offset are the region's."""
    try:
        message = hl7.parse(text_of(body))
    except (hl7.HL7Exception, AssertionError, IndexError, ValueError, KeyError):
        raise Refused("AE", 100, "The segments cannot be read") from None
    visit, told = "", []
    for order in _orders(message):
        visit = _part(order, header, "PV1", 19) or visit
        if "OBR" in order.segments or "ORC" in order.segments:
            told += _told(order, header, visit, zone)
    if not told:
        raise Refused("AE", 100, "No order in the message")
    return told


def acknowledge(header: Header, code: str, error: Refused | None = None) -> bytes:
    """The ACK: code AA, AE or AR of table 0008, and in ERR why."""
    bar, component = header.separators[0], header.separators[1]
    made_at = datetime.now(UTC).strftime("%Y%m%d%H%M%S+0000")
    kind = component.join(("ACK", header.trigger or "R01", "ACK"))
    msh = (
        f"MSH{header.separators}", header.receiver, header.receiving_facility, header.sender, header.facility, made_at,
        "", kind, uuid.uuid4().hex[:20], header.processing or "P", header.version or "2.5.1",
    )  # fmt: skip
    segments = [bar.join(msh), bar.join(("MSA", code, header.control_id[:MOST_CONTROL_ID]))]
    if error is not None:
        segments.append(bar.join(("ERR", "", "", component.join((str(error.error), error.text, "HL70357")), "E")))
    return "".join(f"{segment}\r" for segment in segments).encode("utf-8")


def text_of(body: bytes) -> str:
    """Decoded, with one end of line for all that senders use."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        text = body.decode("latin-1")
    return text.replace("\r\n", "\r").replace("\n", "\r")


def _orders(message: Any) -> Iterator[Order]:
    """What stands before the first order, then each order: it begins with ORC, or with OBR where there is none."""
    order = Order()
    for segment in message:
        name = str(segment[0])
        begins = name == "ORC" and order.segments.keys() & {"ORC", "OBR"}
        if begins or (name == "OBR" and "OBR" in order.segments):
            yield order
            order = Order()
        order.segments.setdefault(name, segment)
    yield order


def _told(order: Order, header: Header, visit: str, zone: tzinfo) -> list[Told]:
    placer = _part(order, header, "OBR", 2) or _part(order, header, "ORC", 2)
    filler = _part(order, header, "OBR", 3) or _part(order, header, "ORC", 3)
    number = placer or filler
    if not number:
        raise Refused("AE", 101, "An order has neither a placer's nor a filler's number")
    if not PLAIN.fullmatch(number):
        raise Refused("AE", 102, "An order's number has other characters than letters, digits and . _ : + / -")
    state, at = _state(order, header)
    if state is None:
        return []
    data = {
        "order_id": placer, "accession": filler, "appointment_id": visit,
        "specimen_id": _part(order, header, "SPM", 2), "test_code": _part(order, header, "OBR", 4),
        "reason_code": _part(order, header, "SPM", 21), "occurred_at": iso(at, zone),
    }  # fmt: skip
    plain = {key: value for key, value in data.items() if PLAIN.fullmatch(value)}
    return [Told(type=f"lis.sample.{state}", subject=f"lis/{number}", data=plain)]


def _state(order: Order, header: Header) -> tuple[str | None, str]:
    """What happened to the sample, and when; None: nothing of it."""

    def part(segment: str, number: int) -> str:
        return _part(order, header, segment, number)

    if part("SPM", 21):
        return "rejected", part("SPM", 18)
    if header.type == "ORU":
        return RESULT_STATES.get(part("OBR", 25)), part("OBR", 22)
    if part("ORC", 1) in CANCELLED:
        return "cancelled", part("ORC", 9)
    if part("SPM", 18):
        return "received", part("SPM", 18)
    if part("SPM", 17):
        return "collected", part("SPM", 17)
    return "ordered", part("ORC", 9)


def _part(order: Order, header: Header, segment: str, number: int) -> str:
    """The first component of the first repetition of a field, empty where there is none."""
    try:
        text = str(order.segments[segment][number])
    except (KeyError, IndexError):
        return ""
    repetition, component, subcomponent = header.separators[2], header.separators[1], header.separators[4]
    return (
        text.split(repetition, maxsplit=1)[0].split(component, maxsplit=1)[0].split(subcomponent, maxsplit=1)[0].strip()
    )


def iso(moment: str, zone: tzinfo) -> str:
    """20261129101500+0100 as ISO text in UTC; empty for what is no time."""
    found = MOMENT.fullmatch(moment)
    if found is None:
        return ""
    day, *clock, offset = found.groups(default="")
    try:
        local = datetime.strptime(day + "".join(part or "00" for part in clock), "%Y%m%d%H%M%S")  # noqa: DTZ007
    except ValueError:
        return ""
    there = _offset(offset) if offset else zone
    return local.replace(tzinfo=there).astimezone(UTC).isoformat()


def _offset(text: str) -> timezone:
    minutes = int(text[1:3]) * 60 + int(text[3:5])
    return timezone(timedelta(minutes=min(minutes, 1439)) * (-1 if text[0] == "-" else 1))
