"""Bytes come in: streamed to their place in the file, by one writer at a time, and noted as they are safe on disk.

One writer: on this machine by a lock of the file, which a killed process loses at once; between machines by the row's
fence, with which each note is compared and set. A kill loses what came after the last note: `offset` never says more
than what is on the disk, and the next writer cuts the file there.
"""

import errno
import fcntl
import hashlib
import hmac
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import IO, Any, Protocol

from django.conf import settings
from django.db import transaction
from django.http.request import UnreadablePostError
from django.utils import timezone

from backoffice.audit import record_change
from backoffice.rest.errors import Conflict, Unavailable
from clinic.uploads.files import open_to_write
from clinic.uploads.models import Upload
from clinic.uploads.refusals import ChecksumMismatch, Gone

State = Upload.State
PIECE = 1 << 16
NOTE_BYTES = 8 << 20
NOTE_SECONDS = 1.0
ALGORITHMS = ("sha1", "sha256")
OTHER_OFFSET = "The upload is at another offset: ask with HEAD, and go on from there."
BUSY = "Another request is writing this upload: ask with HEAD, and go on from there."


class Source(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Checksum:
    """What all bytes of one request have to come to; `algorithm` is one of ALGORITHMS."""

    algorithm: str
    digest: bytes


@dataclass(kw_only=True)
class Writer:
    """Who has the file, under a fence of its own; `offset`: what has been written, `noted` of it what is safe."""

    upload: Upload
    file: IO[bytes]
    fence: int
    offset: int
    noted: int
    noted_at: float

    def note(self) -> None:
        """What is written is on the disk and counts. Conflict where somebody else has taken over, or it was withdrawn.

        The last note makes the upload received, which the audit log keeps.
        """
        os.fsync(self.file.fileno())
        now, whole = timezone.now(), self.offset == self.upload.length
        changes: dict[str, Any] = {"offset": self.offset, "expires_at": expiry()}
        if whole:
            changes |= {"state": State.RECEIVED, "received_at": now}
        with transaction.atomic():
            mine = Upload.objects.filter(pk=self.upload.pk, fence=self.fence, state=State.UPLOADING)
            if not mine.update(**changes):
                raise Conflict(BUSY)
            if whole:
                record_change(self.upload, {"state": (State.UPLOADING.value, State.RECEIVED.value)})
        self.noted, self.noted_at = self.offset, time.monotonic()

    @property
    def due(self) -> bool:
        return self.offset - self.noted >= NOTE_BYTES or time.monotonic() - self.noted_at >= NOTE_SECONDS


def expiry() -> Any:
    """When an upload is given up of which something came just now."""
    return timezone.now() + timedelta(hours=settings.UPLOAD_KEPT_HOURS)


def take_in(upload: Upload, offset: int, size: int, source: Source, checksum: Checksum | None = None) -> Upload:
    """`size` bytes from `source` at `offset`, or as many as come; the row as it is then.

    With a checksum all of it or nothing. Raises Conflict (409), Gone, ChecksumMismatch, Unavailable for a full disk.
    """
    with writer_at(upload, offset) as writer:
        try:
            _copy(writer, size, source, checksum)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise Unavailable("There is no room left for videos. Try again later.") from None
    upload.refresh_from_db()
    return upload


@contextmanager
def writer_at(upload: Upload, offset: int) -> Iterator[Writer]:
    """The one writer, at this offset; what the file has beyond it is cut off. Conflict, Gone."""
    with open_to_write(upload.file) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(BUSY) from None
        row = Upload.objects.filter(pk=upload.pk).first()
        if row is None:  # with its patient, a moment ago
            raise Gone
        check_open(row)
        if row.offset != offset:
            raise Conflict(OTHER_OFFSET)
        fence = row.fence + 1
        same = Upload.objects.filter(pk=row.pk, fence=row.fence, offset=offset, state=row.state)
        if not same.update(fence=fence):
            raise Conflict(BUSY)
        file.truncate(offset)
        file.seek(offset)
        yield Writer(upload=row, file=file, fence=fence, offset=offset, noted=offset, noted_at=time.monotonic())


def check_open(row: Upload) -> None:
    """Gone for what was withdrawn or has expired."""
    expired = row.state == State.UPLOADING and row.expires_at <= timezone.now()
    if expired or row.state == State.WITHDRAWN:
        raise Gone


def _copy(writer: Writer, size: int, source: Source, checksum: Checksum | None) -> None:
    begins = writer.offset
    digest = hashlib.new(checksum.algorithm, usedforsecurity=False) if checksum else None
    while (left := size - (writer.offset - begins)) and (piece := _piece(source, min(PIECE, left))):
        if digest:
            digest.update(piece)
        _write(writer.file, piece)
        writer.offset += len(piece)
        if writer.due and not digest and writer.offset < writer.upload.length:
            writer.note()
    if checksum and digest and not hmac.compare_digest(digest.digest(), checksum.digest):
        writer.file.truncate(begins)
        raise ChecksumMismatch
    if writer.offset > writer.noted:
        writer.note()


def _piece(source: Source, size: int) -> bytes:
    """What comes next; nothing where the client has gone."""
    try:
        return source.read(size)
    except UnreadablePostError:
        return b""


def _write(file: IO[bytes], piece: bytes) -> None:
    view = memoryview(piece)
    while view:
        view = view[file.write(view) :]
