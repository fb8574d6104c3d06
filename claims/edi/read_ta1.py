"""TA1: whether the clearinghouse could take a whole file apart. Source: edi.md 6.2."""

from collections.abc import Iterator
from dataclasses import dataclass

from claims.edi.envelope import Transaction
from claims.edi.findings import Findings

NOTES = {
    "000": "No error.",
    "001": "The control numbers of the interchange's header and trailer differ (ISA13, IEA02).",
    "002": "The standard is not supported (ISA11).",
    "003": "The version is not supported (ISA12).",
    "004": "The segment terminator is not valid.",
    "005": "The qualifier of the sender's id is not valid (ISA05).",
    "006": "The sender's id is not known (ISA06).",
    "007": "The qualifier of the receiver's id is not valid (ISA07).",
    "008": "The receiver's id is not valid (ISA08).",
    "009": "The receiver's id is not known (ISA08).",
    "014": "The date is not valid (ISA09).",
    "015": "The time is not valid (ISA10).",
    "018": "The control number is not valid (ISA13).",
    "020": "The usage is not valid (ISA15).",
    "021": "The number of groups is not the one in the trailer (IEA01).",
    "022": "A control structure is not valid.",
    "023": "The file ends too early.",
    "024": "The content is not valid.",
    "025": "The control number was used before (ISA13).",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class InterchangeAnswer:
    """`interchange`: our ISA13, nine digits. `code`: A accepted, E accepted with errors, R rejected: the whole file.

    `note` is often empty; `says` is a sentence of ours for it.
    """

    segment: int
    interchange: str
    code: str
    note: str

    @property
    def accepted(self) -> bool:
        return self.code in ("A", "E")

    @property
    def says(self) -> str:
        return NOTES.get(self.note.zfill(3), f"Note {self.note}.") if self.note.isdecimal() else ""


def read_ta1(transaction: Transaction, findings: Findings) -> Iterator[InterchangeAnswer]:
    for segment in transaction.body:
        if segment.at(4) not in ("A", "E", "R"):
            findings.add(segment.place(4), "no-acknowledged")
        note = segment.at(5)
        yield InterchangeAnswer(
            segment=segment.number,
            interchange=segment.at(1).zfill(9),
            code=segment.at(4),
            note=note if note.isascii() and note.isalnum() and len(note) <= 3 else "",
        )
