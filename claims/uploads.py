"""Files that a browser has sent, laid into a folder as load() takes it: CSV files by their names, or one ZIP of them.

Nothing of what the browser says becomes a path: a file goes by its name, which is one of NAMES.
"""

from __future__ import annotations

import stat
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, LargeZipFile, ZipFile, ZipInfo

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.http import HttpRequest

from backoffice.runs.faults import Misuse

LINES = "claim_lines.csv"
NAMES = (
    LINES, "providers.csv", "procedure_codes.csv", "plans.csv", "plan_benefits.csv", "member_benefits.csv",
    "fee_schedule.csv", "contract_terms.csv", "accumulators.csv", "remittance_payers.csv",
)  # fmt: skip
MOST_ENTRIES = 100  # of a ZIP, folders and what a Mac adds included
BLOCK = 1024 * 1024
# What zipfile raises for archives that are none, ValueError where a place lies before the file's beginning.
DAMAGED = (BadZipFile, LargeZipFile, NotImplementedError, zlib.error, EOFError, ValueError, OverflowError, IndexError)


class Limit(FileUploadHandler):
    """First of a request's handlers: once more than `most` bytes of files have come, the rest is read and dropped."""

    def __init__(self, request: HttpRequest, most: int) -> None:
        super().__init__(request)
        self.left = most

    @property
    def exceeded(self) -> bool:
        return self.left < 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        self.left -= len(raw_data)
        if self.exceeded:
            raise StopUpload(connection_reset=False)
        return raw_data

    def file_complete(self, file_size: int) -> None:
        """The next handler's to say."""


def unpack(files: Sequence[UploadedFile[bytes]], folder: Path, *, most: int) -> list[str]:
    """Lay the files into the empty folder, and say which; a ZIP unpacks to no more than `most` bytes.

    Misuse in one line for what is no such file, for two of a name, and where the claim lines are missing.
    """
    zipped = [file for file in files if (file.name or "").lower().endswith(".zip")]
    if zipped and len(files) > 1:
        raise Misuse("Choose either one ZIP file or the CSV files themselves.")
    if zipped:
        names = _unzip(zipped[0], folder, most)
    else:
        names = [file.name or "" for file in files]
        _check(names)
        for file in files:
            _lay(file, folder)
    if LINES not in names:
        raise Misuse(f"There is no {LINES} among the files. It has to be there; the reference tables may be left out.")
    return sorted(names)


def _check(names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name not in NAMES:
            raise Misuse(f"“{name[:60]}” is none of the files that are read: {', '.join(NAMES)}.")
        if name in seen:
            raise Misuse(f"There are two files called {name}.")
        seen.add(name)


def _lay(file: UploadedFile[bytes], folder: Path) -> None:
    with (folder / str(file.name)).open("wb") as target:
        for block in file.chunks(BLOCK):
            target.write(block)


def _unzip(file: UploadedFile[bytes], folder: Path, most: int) -> list[str]:
    try:
        with ZipFile(file) as archive:
            entries = _entries(archive, most)
            for name, entry in entries.items():
                most -= _extract(archive, entry, folder / name, most)
            return list(entries)
    except DAMAGED:
        raise Misuse("The ZIP file cannot be read: it is damaged, or packed in a way that is not known.") from None


def _entries(archive: ZipFile, most: int) -> dict[str, ZipInfo]:
    """The files of the archive by their names, whichever folder they lie in."""
    found = archive.infolist()
    if len(found) > MOST_ENTRIES:
        raise Misuse(f"The ZIP file has {len(found):,} entries; more than {MOST_ENTRIES} are not looked through.")
    kept = [entry for entry in found if not entry.is_dir() and not _of_a_mac(entry)]
    for entry in kept:
        parts = PurePosixPath(entry.filename).parts
        if "\\" in entry.filename or ".." in parts or parts[:1] == ("/",):
            raise Misuse("The ZIP file names a path outside its own folder. Nothing of it was unpacked.")
        if entry.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            raise BadZipFile
        if stat.S_ISLNK(entry.external_attr >> 16) or entry.flag_bits & 1:
            raise Misuse(
                "The ZIP file holds a link or an encrypted file. Pack the CSV files themselves, without a password."
            )
    if sum(entry.file_size for entry in kept) > most:
        raise _too_big(most)
    names = [PurePosixPath(entry.filename).name for entry in kept]
    _check(names)
    return dict(zip(names, kept, strict=True))


def _of_a_mac(entry: ZipInfo) -> bool:
    """What a Mac adds to every archive."""
    path = PurePosixPath(entry.filename)
    return path.parts[:1] == ("__MACOSX",) or path.name == ".DS_Store"


def _extract(archive: ZipFile, entry: ZipInfo, target: Path, most: int) -> int:
    """How many bytes it came to: what the archive says of its sizes is not believed."""
    written = 0
    with archive.open(entry) as source, target.open("wb") as out:
        while block := source.read(BLOCK):
            written += len(block)
            if written > most:
                raise _too_big(most)
            out.write(block)
    return written


def _too_big(most: int) -> Misuse:
    return Misuse(
        f"The ZIP file unpacks to more than {most // BLOCK:,} MB. Load such a day by command: manage.py load_claims."
    )
