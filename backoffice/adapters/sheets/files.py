"""Workbooks as files: one writer at a time, replaced whole or not at all, never over what somebody else has saved."""

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final, NamedTuple

from backoffice.adapters.sheets.faults import SheetRefused, SheetUnavailable

LOCK_SECONDS: Final = 30.0


class Signature(NamedTuple):
    """What changes whenever a file is saved."""

    inode: int
    modified: int
    size: int


def signature_of(file: IO[bytes]) -> Signature:
    found = os.fstat(file.fileno())
    return Signature(found.st_ino, found.st_mtime_ns, found.st_size)


def opened(path: Path) -> IO[bytes]:
    """The file as it is now, whatever is saved meanwhile. Raises SheetRefused."""
    try:
        return path.open("rb")
    except OSError as error:
        raise SheetRefused(f"{path}: {error.strerror}: correct SPREADSHEET_ID.") from None


def rewrite(
    path: Path,
    seen: Signature | None,
    write: Callable[[IO[bytes], IO[bytes]], None],
    *,
    lock_seconds: float = LOCK_SECONDS,
) -> Signature:
    """Let `write` make a new file from the old one, and put it in its place; a link is followed, the mode kept.

    Returns the new file's signature. Raises SheetUnavailable "changed" where the file is not the one that was `seen`,
    before writing and again before it is replaced; "locked" after `lock_seconds`; "open_elsewhere" while LibreOffice
    or Excel has it, which would save over it; "disk".
    """
    path = path.resolve()
    with _locked(path, lock_seconds) as source:
        before = signature_of(source)
        if seen is not None and before != seen:
            raise SheetUnavailable("changed", passing=True)
        if _open_elsewhere(path):
            raise SheetUnavailable("open_elsewhere", "close it in the spreadsheet program")
        draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
        try:
            with draft.open("wb") as target:
                shutil.copymode(path, draft)
                write(source, target)
                target.flush()
                os.fsync(target.fileno())
                after = signature_of(target)
            if _signature_at(path) != before:
                raise SheetUnavailable("changed", passing=True)
            draft.replace(path)
        except OSError as error:
            raise SheetUnavailable("disk", error.strerror or "") from None
        finally:
            draft.unlink(missing_ok=True)
        return after


@contextmanager
def _locked(path: Path, seconds: float) -> Iterator[IO[bytes]]:
    """The file, held against other writers of ours. A lock is on what is replaced: so look again once it is ours."""
    deadline = time.monotonic() + seconds
    while True:
        with opened(path) as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                if time.monotonic() > deadline:
                    raise SheetUnavailable("locked", "another run writes to it") from None
            else:
                if signature_of(file) == _signature_at(path):
                    yield file
                    return
        time.sleep(0.05)


def _signature_at(path: Path) -> Signature | None:
    with suppress(OSError):
        found = path.stat()
        return Signature(found.st_ino, found.st_mtime_ns, found.st_size)
    return None


def _open_elsewhere(path: Path) -> bool:
    return any(path.with_name(name).exists() for name in (f".~lock.{path.name}#", f"~${path.name}"))
