r"""HL7 v2.5.1 messages of a laboratory, and what is answered to them.

Orders and collected specimens are OML^O21, what the laboratory finds is ORU^R01 (chapters 4 and 7). Where things stand:
ORC-2 and OBR-2 the order, ORC-3 and OBR-3 the accession, PV1-19 the appointment, SPM-2 the specimen, SPM-17 and SPM-18
when it was collected and received, SPM-21 why it was rejected (table 0490), ORC-5 and OBR-25 how far it is (tables 0038
and 0123). Segments end with \r.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

ESCAPES: Final = {"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "&": "\\T\\", "~": "\\R\\"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """What a message is about."""

    appointment: str
    order: str
    accession: str
    specimen: str
    test: str
    reason: str
    patient: str


@dataclass(frozen=True, slots=True)
class _Stage:
    """Message type, ORC-1, ORC-5 and OBR-25."""

    message: str
    control: str
    order_status: str
    result_status: str


STAGES: Final[Mapping[str, _Stage]] = {
    "ordered": _Stage("OML^O21^OML_O21", "NW", "", ""),
    "collected": _Stage("OML^O21^OML_O21", "SC", "IP", ""),
    "received": _Stage("ORU^R01^ORU_R01", "SC", "IP", "I"),
    "rejected": _Stage("ORU^R01^ORU_R01", "SC", "CA", "X"),
    "resulted": _Stage("ORU^R01^ORU_R01", "RE", "CM", "F"),
}


def message(event: str, sample: Sample, control_id: str, now: datetime) -> str:
    """The message of one of STAGES; `now` is aware."""
    stage, stamp = STAGES[event], now.astimezone(UTC).strftime("%Y%m%d%H%M%S+0000")
    numbers = {2: sample.order, 3: "" if event == "ordered" else sample.accession}
    test = f"{_safe(sample.test)}^Test^L"
    header = f"MSH|^~\\&|LIS|SANDBOX|NIGHTWARD|CLINIC|{stamp}||{stage.message}|{_safe(control_id)}|P|2.5.1"
    segments = [
        f"{header}||||||UNICODE UTF-8",
        _segment("PID", {1: "1", 3: f"{_safe(sample.patient)}^^^SANDBOX^MR", 5: "SANDBOX^PERSON"}),
        _segment("PV1", {1: "1", 2: "O", 19: _safe(sample.appointment)}),
        _segment("ORC", {1: stage.control, **_escaped(numbers), 5: stage.order_status, 9: stamp}),
        _segment("OBR", {1: "1", **_escaped(numbers), 4: test, 22: stamp, 25: stage.result_status}),
    ]
    if event == "resulted":
        segments.append(_segment("OBX", {1: "1", 2: "NM", 3: test, 5: "5.4", 6: "mmol/L", 11: "F", 14: stamp}))
    if event != "ordered":
        segments.append(_specimen(event, sample, stamp))
    return "".join(f"{segment}\r" for segment in segments)


def _specimen(event: str, sample: Sample, stamp: str) -> str:
    fields = {1: "1", 2: f"{_safe(sample.specimen)}&LIS", 4: "BLD^Whole blood^HL70487", 17: stamp}
    if event != "collected":
        fields[18] = stamp
    if event == "rejected":
        fields[21] = f"{_safe(sample.reason)}^^HL70490"
    return _segment("SPM", fields)


def acknowledged(answer: str, control_id: str) -> tuple[str, str]:
    """(MSA-1, MSA-3) of an acknowledgement of `control_id`; MSA-1 is empty where it is none."""
    for line in answer.replace("\n", "\r").split("\r"):
        fields = line.split("|")
        if fields[0] == "MSA" and _at(fields, 2) == _safe(control_id):
            return _at(fields, 1), _at(fields, 3)
    return "", ""


def _segment(name: str, fields: Mapping[int, str]) -> str:
    return "|".join([name, *(fields.get(number, "") for number in range(1, max(fields) + 1))])


def _escaped(fields: Mapping[int, str]) -> dict[int, str]:
    return {number: _safe(value) for number, value in fields.items()}


def _safe(text: str) -> str:
    return "".join(ESCAPES.get(letter, letter) for letter in text if letter.isprintable())


def _at(fields: Sequence[str], number: int) -> str:
    return fields[number] if len(fields) > number else ""
