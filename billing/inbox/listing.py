"""The mailbox looked at twice, and what is new in it fetched and stored, a transaction for each file [S3-11].

Nothing is ever removed there: what is known is told by name, size and time, and in the end by its bytes.
"""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.conf import settings

from backoffice.adapters.sftp import Changed, Mailbox, RemoteFile, Unreachable
from backoffice.runs.job import Chunk, Fault, Json, Result, Total
from backoffice.runs.models import StepPart
from billing.inbox.storing import Arrived, clean_name, store
from billing.mailbox import opened
from billing.models import Document
from regions.clearinghouse import clearinghouse_of
from regions.models import Region
from regions.of_run import region_of

STORED, KNOWN, SAME_BYTES, CHANGING, NOT_FETCHED = "stored", "known", "same_bytes", "changing", "not_fetched"
OUTCOMES = (STORED, KNOWN, SAME_BYTES, CHANGING, NOT_FETCHED)
TOO_LARGE = "It is larger than the region's max_megabytes allows."
ODD_NAME = "Its name has characters that are no text: they stand as _ here."


@dataclass(kw_only=True)
class Inbox:
    """Opened for one part."""

    part: StepPart
    region: Region
    folder: str
    mailbox: Mailbox


@contextmanager
def open_inbox(part: StepPart) -> Iterator[Inbox]:
    """ConfigError says what the region lacks, or why the clearinghouse lets nobody in."""
    region = region_of(part)
    server = clearinghouse_of(region).server
    with opened(server) as mailbox:
        yield Inbox(part=part, region=region, folder=server.outbound, mailbox=mailbox)


def chunks(inbox: Inbox, checkpoint: Json | None) -> Iterator[Chunk]:
    """What is known, counted by the first attempt alone; then each other file that is the same at a second look."""
    listed = inbox.mailbox.listing()
    known = known_files(inbox.region, inbox.folder)
    new = [file for file in listed if _key(file) not in known]
    place: Json = {"begun": True}
    if checkpoint is None:
        yield Chunk(data=len(listed) - len(new), checkpoint=place)
    again = _second_look(inbox) if new else set()
    changing = [file for file in new if file not in again]
    for done, file in enumerate((file for file in new if file not in changing), start=1):
        yield Chunk(data=file, checkpoint=place, done=done, of=len(new), label=f"file {done} of {len(new)}")
    if changing:
        yield Chunk(data=changing, checkpoint=place, done=len(new), of=len(new))


def _second_look(inbox: Inbox) -> set[RemoteFile]:
    time.sleep(settings.SFTP_LOOK_SECONDS)
    return set(inbox.mailbox.listing())


def _key(file: RemoteFile) -> tuple[str, int, int]:
    return clean_name(file.name), file.size, file.mtime


def known_files(region: Region, folder: str) -> set[tuple[str, int, int]]:
    """Name, size and time of all that was ever taken from the folder, also of bytes that came by several names."""
    taken = Document.objects.filter(region=region, direction=Document.Direction.RECEIVED)
    found = set()
    for name, where, size, at, said in taken.values_list("name", "folder", "size", "modified_at", "said").iterator():
        if at is not None and where == folder:
            found.add((name, size, int(at.timestamp())))
        found.update((other, size, seconds) for other, seconds in said.get("also", ()) if seconds is not None)
    return found


def prepare(inbox: Inbox, chunk: Chunk) -> Result:
    """Fetches the file. Names go into no log."""
    if isinstance(chunk.data, int):
        return Result(read=chunk.data, outcomes=+Counter({KNOWN: chunk.data}))
    if isinstance(chunk.data, list):
        return Result(read=len(chunk.data), outcomes=Counter({CHANGING: len(chunk.data)}))
    file: RemoteFile = chunk.data
    odd = [_fault(file, "odd_name", ODD_NAME)] if clean_name(file.name) != file.name else []
    try:
        content = inbox.mailbox.get(file)
    except Changed:
        return Result(read=1, outcomes=Counter({CHANGING: 1}), failures=odd)
    except Unreachable as fault:
        if fault.code != "too_large":
            raise
        return Result(read=1, outcomes=Counter({NOT_FETCHED: 1}), failures=[_fault(file, "too_large", TOO_LARGE)])
    arrived = Arrived(name=file.name, content=content, folder=inbox.folder, modified=file.mtime)
    return _to_store(inbox, arrived, odd)


def _fault(file: RemoteFile, reason: str, detail: str) -> Fault:
    return Fault(category="file", reason=reason, reference=clean_name(file.name)[:120], detail=detail)


def _to_store(inbox: Inbox, arrived: Arrived, failures: list[Fault]) -> Result:
    """Whether its bytes are new is asked here, so that the outcome is counted with the chunk."""
    same = Document.objects.filter(
        region=inbox.region, direction=Document.Direction.RECEIVED, sha256=arrived.sha256
    ).exists()
    outcome = SAME_BYTES if same else STORED
    totals: dict[str, Total] = {"bytes": len(arrived.content)}
    return Result(read=1, outcomes=Counter({outcome: 1}), totals=totals, rows=arrived, failures=failures)


def commit(inbox: Inbox, result: Result) -> None:
    if result.rows is not None:
        store(inbox.region, result.rows, run=inbox.part.run)
