"""What a file is, by its content alone: MP4 and QuickTime by their boxes, WebM and Matroska by their EBML header.

Sources: ISO/IEC 14496-12 (boxes, the brands of `ftyp`), RFC 8794 (EBML), RFC 9559 (Matroska). Only headers are read.
What they say fills the file to its last byte.
"""

from collections.abc import Iterator
from typing import IO

# Major brand of `ftyp` → kind. Pictures and sounds share the container, and have brands that are not here.
BRANDS = {
    **dict.fromkeys((b"isom", b"avc1", b"mp41", b"mp42", b"mp71", b"MSNV", b"dash", b"M4V ", b"M4VH", b"M4VP"), "mp4"),
    **dict.fromkeys((b"iso2", b"iso3", b"iso4", b"iso5", b"iso6", b"iso7", b"iso8", b"iso9"), "mp4"),
    **dict.fromkeys((b"3gp4", b"3gp5", b"3gp6", b"3gp7", b"3gp8", b"3gp9", b"3g2a", b"3g2b", b"3g2c"), "mp4"),
    b"qt  ": "quicktime",
}
DOCUMENT_TYPES = {b"webm": "webm", b"matroska": "matroska"}
MOST_BOXES, MOST_ELEMENTS = 200_000, 2_000_000
EBML, DOC_TYPE, SEGMENT = b"\x1a\x45\xdf\xa3", b"\x42\x82", b"\x18\x53\x80\x67"
TRACKS, CLUSTER = b"\x16\x54\xae\x6b", b"\x1f\x43\xb6\x75"
# In a segment: also SeekHead, Info, Cues, Attachments, Chapters, Tags. Anywhere: Void, CRC-32. In a cluster: Timestamp,
# SilentTracks, Position, PrevSize, SimpleBlock, BlockGroup, EncryptedBlock.
OF_SEGMENT = frozenset(
    {
        TRACKS, CLUSTER, b"\x11\x4d\x9b\x74", b"\x15\x49\xa9\x66", b"\x1c\x53\xbb\x6b", b"\x19\x41\xa4\x69",
        b"\x10\x43\xa7\x70", b"\x12\x54\xc3\x67",
    }
)  # fmt: skip
ANYWHERE = frozenset({b"\xec", b"\xbf"})
OF_CLUSTER = frozenset({b"\xe7", b"\x58\x54", b"\xa7", b"\xab", b"\xa3", b"\xa0", b"\xaf"})
HEADER = 4096
# What else people send: (what it begins with, its name).
OTHERS = (
    (b"MZ", "a program"), (b"\x7fELF", "a program"), (b"\xcf\xfa\xed\xfe", "a program"), (b"#!", "a script"),
    (b"PK\x03\x04", "a ZIP archive"), (b"\x1f\x8b", "an archive"), (b"Rar!", "an archive"),
    (b"7z\xbc\xaf", "an archive"),
    (b"%PDF", "a PDF"), (b"\xff\xd8\xff", "a picture"), (b"\x89PNG", "a picture"), (b"GIF8", "a picture"),
)  # fmt: skip
MARKUP = (b"<!doctype", b"<html", b"<script", b"<svg", b"<?xml", b"<body", b"<head")


class NotVideo(Exception):
    """It is no video that can be kept; `reason` is a word for programs, the message a line for people."""

    def __init__(self, reason: str, line: str) -> None:
        super().__init__(line)
        self.reason = reason


def kind_of(file: IO[bytes], size: int) -> str:
    """mp4, quicktime, webm or matroska, of a file of `size` bytes that has its end; NotVideo."""
    file.seek(0)
    head = file.read(HEADER)
    if head[4:8] == b"ftyp":
        return _of_boxes(file, head, size)
    if head.startswith(EBML):
        return _of_ebml(file, head, size)
    raise NotVideo("no_video", f"It is {_named(head)}, not a video.")


def _named(head: bytes) -> str:
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(MARKUP):
        return "a web page or markup"
    return next((name for mark, name in OTHERS if head.startswith(mark)), "of no kind that is known")


def _of_boxes(file: IO[bytes], head: bytes, size: int) -> str:
    kind = BRANDS.get(head[8:12])
    if kind is None:
        raise NotVideo("brand", "Its container is MP4's, but its brand is none of a video.")
    found: set[bytes] = set()
    tracks = False
    for name, begins, ends in _boxes(file, 0, size):
        found.add(name)
        tracks |= name == b"moov" and any(inner == b"trak" for inner, _, _ in _boxes(file, begins, ends))
    if b"moov" not in found:
        raise NotVideo("no_index", "It has no index (moov): the recording was not finished.")
    if not tracks or not found & {b"mdat", b"moof"}:
        raise _empty()
    return kind


def _boxes(file: IO[bytes], place: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(type, where its content begins, where it ends) of each box from `place` to `end`, which they fill."""
    number = 0
    while place < end:
        file.seek(place)
        head = file.read(16)
        length, begins = int.from_bytes(head[:4]), 8
        if length == 1:
            length, begins = int.from_bytes(head[8:16]), 16
        elif length == 0:
            length = end - place
        number += 1
        if length < begins or len(head) < begins or place + length > end:
            raise _cut_off()
        if number > MOST_BOXES:
            raise _pieces()
        yield head[4:8], place + begins, place + length
        place += length


def _of_ebml(file: IO[bytes], head: bytes, size: int) -> str:
    length, place = _number(head, 4)
    end = place + length
    kind = DOCUMENT_TYPES.get(_document_type(head[:end], place))
    if kind is None:
        raise NotVideo("document_type", "Its container is Matroska's, but it says that it is something else.")
    if head[end : end + 4] != SEGMENT:
        raise NotVideo("no_segment", "It has a header and no video behind it.")
    length, begins = _number(head, end + 4)
    if begins > len(head) or (length >= 0 and begins + length != size):
        raise _cut_off()
    if not {TRACKS, CLUSTER} <= set(_elements(file, begins, size)):
        raise _empty()
    return kind


def _elements(file: IO[bytes], place: int, end: int) -> Iterator[bytes]:
    """The id of each element of a segment from `place` to `end`, which they fill.

    What is in a cluster that does not say how long it is follows it as if it stood beside it.
    """
    number, allowed = 0, OF_SEGMENT | ANYWHERE
    while place < end:
        file.seek(place)
        head = file.read(12)
        name = head[: _width(head, 0)]
        length, begins = _number(head, len(name))
        if name in OF_SEGMENT:
            allowed = OF_SEGMENT | ANYWHERE
        if name == CLUSTER and length < 0:
            length, allowed = 0, allowed | OF_CLUSTER
        number += 1
        if name not in allowed or length < 0 or begins > len(head) or place + begins + length > end:
            raise _cut_off()
        if number > MOST_ELEMENTS:
            raise _pieces()
        yield name
        place += begins + length


def _cut_off() -> NotVideo:
    return NotVideo("cut_off", "It is cut off, or something else follows the video.")


def _empty() -> NotVideo:
    return NotVideo("empty", "It has no track, or nothing that was recorded.")


def _pieces() -> NotVideo:
    return NotVideo("boxes", "It is in more pieces than a video has.")


def _document_type(header: bytes, place: int) -> bytes:
    """What the EBML header says that the file is; nothing where it does not say, or in a header that is broken."""
    while place + 2 <= len(header):
        width = _width(header, place)
        name, (length, begins) = header[place : place + width], _number(header, place + width)
        if length < 0:
            return b""
        if name == DOC_TYPE:
            return header[begins : begins + length].rstrip(b"\0")
        place = begins + length
    return b""


def _width(data: bytes, place: int) -> int:
    """How many bytes the variable-length integer there has, 1 to 8."""
    first = data[place] if place < len(data) else 0
    return 9 - first.bit_length() if first else 8


def _number(data: bytes, place: int) -> tuple[int, int]:
    """(the size that is written there, -1 for "not known"; where its bytes end)."""
    width = _width(data, place)
    raw = int.from_bytes(data[place : place + width])
    every = (1 << 7 * width) - 1
    value = raw & every
    return (-1 if value == every else value), place + width
