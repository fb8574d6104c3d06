"""A stored file as a stream, of which one part at a time is opened."""

import io
from typing import TYPE_CHECKING, BinaryIO

from billing.models import Document, DocumentPart

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class _Parts(io.RawIOBase):
    def __init__(self, document: Document) -> None:
        self._parts = DocumentPart.objects.filter(document=document)
        self._number = 0
        self._held = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        if not self._held:
            part = self._parts.filter(number=self._number).first()
            self._number += 1
            self._held = part.content.encode("latin-1") if part else b""
        view = memoryview(buffer).cast("B")
        given, self._held = self._held[: len(view)], self._held[len(view) :]
        view[: len(given)] = given
        return len(given)


def stream_of(document: Document) -> BinaryIO:
    """Its bytes, from the beginning."""
    return io.BufferedReader(_Parts(document), buffer_size=1 << 16)


def bytes_of(document: Document) -> bytes:
    """All of them at once: of a text report, which is read whole."""
    return stream_of(document).read()
