"""Changes one column's cells in a worksheet's XML while it streams by; every other byte passes as it is."""

import re
from collections.abc import Mapping
from typing import Final
from xml.parsers.expat import ParserCreate
from xml.sax.saxutils import escape, quoteattr

from backoffice.adapters.sheets.rows import letters_of

REFERENCE: Final = re.compile(r"([A-Z]{1,3})\d{1,7}")
TAG: Final = re.compile(rb"<[^\s>/\"']+(?:[^>\"']|\"[^\"]*\"|'[^']*')*>")
SPANS: Final = re.compile(rb"\sspans=(\"[^\"]*\"|'[^']*')")
NO_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
UTF_8: Final = (None, "UTF-8", "US-ASCII", "ASCII")


class Splice:
    """Feed it the XML piece by piece; what it returns is the new XML. `written` are the rows whose cell it has set.

    A cell keeps its format, and a new one gets its row's or column's. Rows that the XML does not have are not made.
    Raises ExpatError for what is no XML, and ValueError for what is not in UTF-8, as all spreadsheet programs write.
    """

    def __init__(self, column: int, texts: Mapping[int, str]) -> None:
        self.written: set[int] = set()
        self._column, self._texts = column, texts
        self._column_style = self._row_style = ""
        self._row = self._cell = 0
        self._row_name = ""  # of the row that is open and gets a text, else empty
        self._row_closes_itself = False
        self._replaced: str | None = None  # the format of the cell that is being replaced
        self._raw, self._begins, self._done = bytearray(), 0, 0  # input from _begins on; passed on up to _done
        self._seen = 0  # where the last event was: none that comes can be before
        self._out: list[bytes] = []
        self._parser = ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.XmlDeclHandler = self._declaration

    def feed(self, piece: bytes) -> bytes:
        """The XML that is certain by now."""
        self._raw += piece
        self._parser.Parse(piece, False)
        if self._replaced is None:
            self._pass_until(self._seen)
        return self._taken()

    def end(self) -> bytes:
        """The rest."""
        self._parser.Parse(b"", True)
        self._pass_until(self._begins + len(self._raw))
        return self._taken()

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._seen = self._parser.CurrentByteIndex
        if self._row_name:
            if name.endswith("c") and name.rpartition(":")[2] == "c":
                self._start_cell(attributes)
        elif name.endswith("row") and name.rpartition(":")[2] == "row":
            self._row = int(attributes.get("r", self._row + 1))
            if self._row in self._texts and self._row not in self.written:
                self._start_row(name, attributes)
        elif name.endswith("col") and int(attributes["min"]) <= self._column <= int(attributes["max"]):
            self._column_style = attributes.get("style", "")
        elif name.endswith("dimension"):
            self._widen(attributes.get("ref", ""))

    def _start_row(self, name: str, attributes: dict[str, str]) -> None:
        """Pass the tag on without its spans, which say between which columns cells are, and open."""
        self._row_name, self._cell = name, 0
        self._row_style = attributes.get("s", "") if attributes.get("customFormat") in ("1", "true") else ""
        tag = self._tag()
        self._row_closes_itself = tag.endswith(b"/>")
        self._replace(tag, SPANS.sub(b"", tag[:-2] + b">" if self._row_closes_itself else tag))

    def _start_cell(self, attributes: dict[str, str]) -> None:
        match = REFERENCE.fullmatch(attributes.get("r", ""))
        self._cell = _number_of(match[1]) if match else self._cell + 1
        if self._row in self.written:
            return
        if self._cell == self._column:
            self._pass_until(self._seen)
            self._replaced = attributes.get("s", "")
        elif self._cell > self._column:
            self._pass_until(self._seen)
            self._add(self._row_style or self._column_style)

    def _end(self, name: str) -> None:
        self._seen = self._parser.CurrentByteIndex
        if not self._row_name:
            return
        if self._replaced is not None and name.rpartition(":")[2] == "c":
            # Of <c/> this is the place behind it, of <c>…</c> that of the closing tag.
            closing = f"</{name}".encode()
            at = self._seen - self._begins
            ends = self._raw.index(b">", at) + 1 if self._raw.startswith(closing, at) else at
            self._add(self._replaced)
            self._replaced, self._done = None, self._begins + ends
        elif name == self._row_name:
            if self._row not in self.written:
                self._pass_until(self._seen)
                self._add(self._row_style or self._column_style)
            if self._row_closes_itself:
                self._out.append(f"</{name}>".encode())
            self._row_name = ""

    def _declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        if (encoding.upper() if encoding else None) not in UTF_8:
            raise ValueError("not in UTF-8")

    def _add(self, style: str) -> None:
        """The new cell, with the row's prefix."""
        prefix = self._row_name.removesuffix("row")
        reference = f"{letters_of(self._column)}{self._row}"
        styled = f" s={quoteattr(style)}" if style else ""
        text = escape(NO_XML.sub("", self._texts[self._row]))
        cell = f'{prefix}c r={quoteattr(reference)}{styled} t="inlineStr"><{prefix}is><{prefix}t>{text}</{prefix}t>'
        self._out.append(f"<{cell}</{prefix}is></{prefix}c>".encode())
        self.written.add(self._row)

    def _widen(self, reference: str) -> None:
        """Let the size that the sheet gives include the column."""
        corners = reference.split(":")
        match = REFERENCE.fullmatch(corners[-1])
        if match and _number_of(match[1]) < self._column:
            wider = f"{corners[0]}:{letters_of(self._column)}{corners[-1].removeprefix(match[1])}"
            tag = self._tag()
            self._replace(tag, tag.replace(reference.encode(), wider.encode()))

    def _tag(self) -> bytes:
        """The tag where the parser is."""
        match = TAG.match(self._raw, self._seen - self._begins)
        if match is None:
            raise ValueError("not in UTF-8")
        return match[0]

    def _replace(self, tag: bytes, by: bytes) -> None:
        self._pass_until(self._seen)
        self._out.append(by)
        self._done += len(tag)

    def _pass_until(self, offset: int) -> None:
        if offset > self._done:
            self._out.append(bytes(self._raw[self._done - self._begins : offset - self._begins]))
            self._done = offset

    def _taken(self) -> bytes:
        del self._raw[: self._done - self._begins]
        self._begins = self._done
        taken, self._out = b"".join(self._out), []
        return taken


def _number_of(letters: str) -> int:
    """7 for G."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number
