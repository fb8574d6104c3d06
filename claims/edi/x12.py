"""X12 files as segments: delimiters from each ISA, whatever line breaks stand between, in flat memory. Nothing raises.

Source: edi.md, "Readers must", and 5.1. A file is read in blocks, so that one of 100,000 claims takes no more memory
than a short one beyond its own bytes, and not even these where an open file is given.
"""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

from claims.edi.findings import Findings

Source = bytes | BinaryIO
BLOCK = 1 << 16
LONGEST = 1 << 18  # a segment beyond this is none
BLANKS = " \t\r\n\0\x1a"
MARK = rb"[^A-Za-z0-9\s\x80-\xff]"
SURE_ISA = re.compile(rb"ISA(" + MARK + rb")..\1.{10}\1..\1", re.DOTALL)
LOOSE_START = re.compile(
    rb"(?:ISA(?P<isa>" + MARK + rb")[0-9A-Z ]{0,2}(?P=isa)|GS(?P<gs>" + MARK + rb")[A-Z]{2}(?P=gs)"
    rb"|ST(?P<st>" + MARK + rb")[0-9]{3}(?P=st)|TA1(?P<ta1>" + MARK + rb")[0-9]{1,9}(?P=ta1))"
)
LENGTH_OF_ISA = 106
# Only these are ever named in a finding: three letters of a damaged file might be a name.
KNOWN = re.compile(
    "AK[1-59]|AMT|BHT|BPR|CAS|CL[MP]|CN1|CTX|DMG|DT[MP]|G[ES]|HI|HL|IEA|IK[345]|ISA|LIN|L[QX]|MIA|MOA|N[134]|NM1|NTE|OI|"
    "PAT|PER|PLB|PRV|PWK|QTY|REF|SBR|SE|ST|STC|SV[1-3CD]|TA1|TRN|TS[23]"
)


class Separators(NamedTuple):
    """What divides elements, components and repetitions, and what ends a segment."""

    element: str = "*"
    component: str = ":"
    repetition: str = "^"
    terminator: str = "~"


class Segment(NamedTuple):
    """A segment by its number in the file, from 1. `at(3)` is its third element, "" where it has none."""

    number: int
    parts: list[str]
    marks: Separators
    id: str

    def at(self, element: int) -> str:
        parts = self.parts
        return parts[element].strip() if element < len(parts) else ""

    def components(self, element: int) -> list[str]:
        text = self.at(element)
        return [part.strip() for part in text.split(self.marks.component)] if text else []

    def place(self, element: int = 0) -> str:
        name = self.id
        if not KNOWN.fullmatch(name):
            return f"segment {self.number}"
        return f"segment {self.number}, {name}{element:02}" if element else f"segment {self.number} ({name})"


def segments(source: Source, findings: Findings) -> Iterator[Segment]:
    """Every segment of every interchange in the file, ISA and IEA included."""
    window = _Window(source, findings)
    number, new = 0, tuple.__new__  # a million of them: half the time of Segment(...)
    while marks := window.open(number):
        element = marks.element
        for text in window.texts(marks):
            number += 1
            parts = text.split(element)
            yield new(Segment, (number, parts, marks, parts[0]))
    if not number:
        findings.add("file", "no-x12" if window.seen else "empty")


@dataclass(slots=True)
class _Found:
    marks: Separators | None
    standard: bool


class _Window:
    """A file seen through a window that moves on: `held` is what was read and not yet handed out."""

    def __init__(self, source: Source, findings: Findings) -> None:
        self.file = io.BytesIO(source) if isinstance(source, bytes) else source
        self.findings = findings
        self.ended = False
        self.seen = False  # something but blanks
        self.held = b""
        self._more()
        self.held = self.held.removeprefix(b"\xef\xbb\xbf")

    def _more(self) -> None:
        block = self.file.read(BLOCK)
        self.ended = not block
        self.held += block

    def open(self, number: int) -> Separators | None:
        """Move to the next interchange and say its delimiters, or None at the end. `number`: segments so far."""
        while True:
            self._pass_blanks()
            start = LOOSE_START.match(self.held) or SURE_ISA.search(self.held)
            if start:
                self._reject(start.start(), number)
                if marks := self._marks(start, number):
                    return marks
                self._reject(3, number)
            elif self.ended:
                self._reject(len(self.held), number)
                return None
            else:
                self._reject(max(0, len(self.held) - LENGTH_OF_ISA), number)
                self._more()

    def _pass_blanks(self) -> None:
        self.held = self.held.lstrip(BLANKS.encode())
        while not self.ended and len(self.held) < 4 * LENGTH_OF_ISA:
            self._more()
            self.held = self.held.lstrip(BLANKS.encode())
        self.seen = self.seen or bool(self.held)

    def _reject(self, length: int, number: int) -> None:
        if length:
            self.held = self.held[length:]
            self.findings.once(f"after segment {number}" if number else "file", "junk")

    def _marks(self, start: re.Match[bytes], number: int) -> Separators | None:
        place = f"segment {number + 1}"
        element = next(filter(None, start.groups()))
        if not self.held.startswith(b"ISA"):
            self.findings.once(place, "no-isa")
            return _assumed(self.held[:BLOCK], element)
        found = read_isa(self.held[: 4 * LENGTH_OF_ISA], element)
        if not found.marks:
            self.findings.add(place, "delimiters")
        elif not found.standard:
            self.findings.add(f"{place} (ISA)", "isa-length")
        return found.marks

    def texts(self, marks: Separators) -> Iterator[str]:
        """The segments up to the next ISA, or the end of the file; the interchange's own ISA is the first."""
        end_mark = marks.terminator.encode()
        own = 1
        while True:
            following = SURE_ISA.search(self.held, own)
            end = following.start() if following else self.held.rfind(end_mark) + 1
            if self.ended and not following:
                self._check_end(end_mark)
                end = len(self.held)
            own = 0
            chunk, self.held = self.held[:end], self.held[end:]
            yield from self._split(chunk, marks.terminator)
            if following or self.ended:
                return
            if len(self.held) > LONGEST:
                self.held = b""
                self.findings.once("file", "long")
            self._more()

    def _check_end(self, end_mark: bytes) -> None:
        bare = self.held.rstrip(BLANKS.encode())
        if bare and not bare.endswith(end_mark.strip()):
            self.findings.once("end of the file", "unterminated")

    def _split(self, chunk: bytes, terminator: str) -> Iterator[str]:
        try:
            texts = chunk.decode().split(terminator)
        except UnicodeDecodeError:
            texts = [self._decoded(piece) for piece in chunk.split(terminator.encode())]
        for text in texts:
            bare = text.strip(BLANKS)
            if "\n" in bare or "\r" in bare:  # some wrap lines at 80 characters
                bare = bare.replace("\r", "").replace("\n", "")
            if bare:
                yield bare

    def _decoded(self, piece: bytes) -> str:
        try:
            return piece.decode()
        except UnicodeDecodeError:
            self.findings.once("file", "cp1252")
            return piece.decode("cp1252", errors="replace")


def read_isa(head: bytes, element: bytes) -> _Found:
    """The delimiters that a header names: by its 16 separators, or, where it is short, by what stands before GS."""
    parts = head.split(element, 16)
    following = re.search(rb"(?:GS|TA1|IEA)" + re.escape(element), head)
    last = sum(len(part) + 1 for part in parts[:16])
    if len(parts) == 17 and not (following and following.start() < last):
        component, terminator = _ends(parts[16])
        breaks = head.count(b"\n", 0, last) + head.count(b"\r", 0, last)
        standard = last + 2 - breaks == LENGTH_OF_ISA and component != b""
    elif following:
        before = head[: following.start()]
        bare = before.rstrip(b"\r\n")
        terminator = bare[-1:] if re.fullmatch(MARK, bare[-1:]) else b"\n"
        component = bare.removesuffix(terminator)[-1:]
        standard = False
    else:
        return _Found(None, standard=False)
    repetition = parts[11] if len(parts) > 11 and re.fullmatch(MARK, parts[11]) else b"^"
    component = component if re.fullmatch(MARK, component) and component != element else b":"
    if not re.fullmatch(MARK + rb"|[\r\n]", terminator) or terminator in (element, component):
        return _Found(None, standard=False)
    names = (element, component, repetition, terminator)
    return _Found(Separators(*(name.decode("ascii") for name in names)), standard=standard)


def _ends(rest: bytes) -> tuple[bytes, bytes]:
    """The component separator and the terminator, from what follows the 16th separator of a header."""
    component, terminator = rest[:1], rest[1:2]
    if terminator.isalnum() or component in (b"\r", b"\n"):  # ISA16 is empty
        component, terminator = b"", component
        rest = b" " + rest
    if terminator == b"\r" and rest[2:3] == b"\n":
        terminator = b"\n"
    return component, terminator


def _assumed(head: bytes, element: bytes) -> Separators:
    terminator = "~" if b"~" in head and element != b"~" else "\n"
    usual = Separators(element=element.decode("ascii"), terminator=terminator)
    return usual._replace(component=">") if usual.element == ":" else usual
