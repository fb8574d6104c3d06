"""A file into the database as it came: its bytes in encrypted parts, and of a ZIP each file in it as one of its own.

The same bytes are stored once in a region, whatever they are called.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from django.db import transaction
from django.utils import timezone

from backoffice.runs.models import Run
from billing.models import Document, DocumentPart
from claims.edi.classify import Kind, classify
from claims.edi.findings import Findings
from claims.edi.reports import USUAL_LIMITS, Limits, unzipped
from regions.models import Region

PART = 1 << 20
BREACHES = ("big", "ratio", "several", "zip")


def clean_name(name: str) -> str:
    """One that a database and a page can hold, of a server or a ZIP: NUL and its like stand as _."""
    return "".join(character if character.isprintable() else "_" for character in name)


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrived:
    """A file as it was taken; its name is made clean. `modified`: seconds since 1970, as the server says; None where
    nobody does."""

    name: str
    content: bytes = field(repr=False)
    folder: str = ""
    modified: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", clean_name(self.name))

    @property
    def sha256(self) -> str:
        return sha256(self.content).hexdigest()

    @property
    def modified_at(self) -> datetime | None:
        return None if self.modified is None else datetime.fromtimestamp(self.modified, UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """`new`: whether the bytes were not there before. `members`: how many files of a ZIP are new."""

    document: Document
    new: bool
    members: int = 0


def store(region: Region, file: Arrived, *, run: Run | None = None, limits: Limits = USUAL_LIMITS) -> Stored:
    """In the caller's transaction; again with the same bytes, nothing but that they came by another name as well."""
    document, new = _stored(region, file, run)
    if not new:
        _remember(document, file)
        return Stored(document=document, new=False)
    if document.kind != Kind.ZIP:
        return Stored(document=document, new=True)
    return Stored(document=document, new=True, members=_unpack(document, file, limits))


def _stored(region: Region, file: Arrived, run: Run | None) -> tuple[Document, bool]:
    document, new = Document.objects.get_or_create(
        region=region,
        direction=Document.Direction.RECEIVED,
        sha256=file.sha256,
        defaults={
            "kind": classify(file.content, file.name).value,
            "name": file.name[:255],
            "folder": file.folder[:255],
            "size": len(file.content),
            "modified_at": file.modified_at,
            "run": run,
        },
    )
    if new:
        for number, start in enumerate(range(0, len(file.content), PART)):
            text = file.content[start : start + PART].decode("latin-1")
            DocumentPart(document=document, number=number, content=text).save()
    return document, new


def _remember(document: Document, file: Arrived) -> None:
    """So that it is not fetched each time: said.also is [[name, seconds], …]."""
    also: list[list[Any]] = document.said.get("also", [])
    known = [document.name, document.modified_at and int(document.modified_at.timestamp())]
    if [file.name, file.modified] not in (known, *also):
        document.said = {**document.said, "also": [*also, [file.name, file.modified]]}
        document.save(update_fields=("said",))


def _unpack(archive: Document, file: Arrived, limits: Limits) -> int:
    """Whole or, where a limit is broken or it is damaged, not at all. A ZIP in a ZIP is kept and not unpacked."""
    findings, members = Findings(), 0
    with transaction.atomic():
        for member in _members(archive, file, findings, limits):
            document, new = _stored(archive.region, member, archive.run)
            members += new
            if new and document.kind == Kind.ZIP:
                _close(document, Document.State.UNREADABLE, [["file", "zip"]])
        broken = any(findings.counts[code] for code in BREACHES)
        transaction.set_rollback(broken)
    if broken:
        _close(archive, Document.State.UNREADABLE, as_stored(findings))
        return 0
    state = Document.State.PARTLY if findings.found else Document.State.READ
    _close(archive, state, as_stored(findings), files=members)
    return members


def _members(archive: Document, file: Arrived, findings: Findings, limits: Limits) -> Iterator[Arrived]:
    for name, content in unzipped(file.content, findings, limits):
        yield Arrived(name=name, content=content, folder=f"{file.folder}/{archive.name}", modified=file.modified)


def _close(document: Document, state: Document.State, findings: list[list[str]], **said: int) -> None:
    document.state, document.findings, document.read_at = state, findings, timezone.now()
    document.said = {**document.said, **said}
    document.save(update_fields=("state", "findings", "said", "read_at"))


def as_stored(findings: Findings) -> list[list[str]]:
    """[[place, code], …], as a document keeps them."""
    return [[each.place, each.code] for each in findings.found]
