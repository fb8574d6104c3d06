"""The bytes, in the storage "uploads": files that this user alone may read, named after nobody.

A file is there for as long as a row names it. The row lets go of it first, and the file goes after the commit; what a
crash leaves in between is found by `sweep`, since no row names it.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO

from django.core.files.storage import FileSystemStorage, storages
from django.db import transaction
from django.db.models import F, Model, QuerySet

from clinic.uploads.models import Upload

State = Upload.State
UNFINISHED = (State.UPLOADING, State.RECEIVED)
BATCH = 500


def folder() -> Path:
    """Where they lie; made where it is missing."""
    storage = storages["uploads"]
    if not isinstance(storage, FileSystemStorage):
        raise TypeError("The storage uploads is a folder: pieces are written at their place in a file.")
    place = Path(storage.location)
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    return place


def open_to_write(name: str) -> IO[bytes]:
    """The file, made where it is missing."""
    return open(os.open(folder() / name, os.O_WRONLY | os.O_CREAT, 0o600), "wb", buffering=0)


def open_to_read(name: str) -> IO[bytes]:
    """FileNotFoundError where there is none."""
    return (folder() / name).open("rb")


def let_go(rows: QuerySet[Model]) -> None:
    """These rows have no file any more, and whoever writes one has lost; the files go after the commit."""
    with transaction.atomic():
        found = dict(Upload.objects.filter(pk__in=rows.values("pk")).values_list("pk", "file"))
        uploads = Upload.objects.filter(pk__in=found)
        uploads.filter(state__in=UNFINISHED).update(state=State.WITHDRAWN)
        uploads.update(file="", fence=F("fence") + 1)
        transaction.on_commit(partial(_delete, [name for name in found.values() if name]))


def _delete(names: Iterable[str]) -> int:
    number = 0
    for name in names:
        with suppress(FileNotFoundError):
            (folder() / name).unlink()
            number += 1
    return number


def sweep() -> int:
    """Delete the files that no row names; how many. A row is there before its file, so that none is taken too early."""
    found = sorted(path.name for path in folder().iterdir())
    number = 0
    for start in range(0, len(found), BATCH):
        names = found[start : start + BATCH]
        number += _delete(set(names) - set(Upload.objects.filter(file__in=names).values_list("file", flat=True)))
    return number
