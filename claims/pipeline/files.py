"""Outputs as Parquet files in Django storage: written under a temporary name, synced, renamed, then vouched for.

What a checkpoint vouches for is an OutputFile row of its transaction. A file's name carries the fence of the worker
that wrote it, so that one who has lost its part writes over nobody's file.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages

from backoffice.runs.faults import OutOfBalance, RunEnds
from claims.models import Night, OutputFile
from claims.pipeline.numbers import span

if TYPE_CHECKING:
    import polars as pl

STORAGE = "nights"
PARQUET: Any = {"compression": "zstd", "compression_level": 1, "statistics": False}  # nobody searches in them


class NotWritten(RunEnds):
    """An output has no room, or no place to be: somebody has to make some before the night goes on [S2-28]."""

    reason = "storage"


def storage() -> Storage:
    return storages[STORAGE]


def save(frame: pl.DataFrame, night: Night, output: str, partition: int, number: int, fence: int) -> OutputFile:
    """Write the records of one checkpoint, and return the unsaved row that vouches for them."""
    import polars as pl

    name = f"{folder(night, output)}/{partition:04}-{number:06}-{fence}.parquet"
    try:
        _write(frame, name)
    except (OSError, pl.exceptions.ComputeError) as error:
        raise not_written(output, error) from None
    first, last = (frame["seq"][0], frame["seq"][-1]) if frame.height else (0, -1)
    return OutputFile(
        night=night, output=output, partition=partition, number=number, name=name,
        first=first, last=last, records=frame.height,
    )  # fmt: skip


def save_bytes(content: bytes, night: Night, output: str, name: str) -> str:
    """Write a file that is no Parquet, in place of one of the name, and say its whole name."""
    whole = f"{folder(night, output)}/{name}"
    try:
        _lay(whole, lambda file: file.write(content))
    except OSError as error:
        raise not_written(output, error) from None
    return whole


def not_written(output: str, error: Exception) -> NotWritten:
    """What to raise. Polars puts what the system says into words of its own."""
    why = getattr(error, "strerror", None) or " ".join(str(error).split())[:120]
    return NotWritten(f"{output}: a file cannot be written ({why}). Is the disk full? Make room and restart.")


def folder(night: Night, output: str) -> str:
    return f"{night.region.name}/{night.run_date}/{output}"


def _write(frame: pl.DataFrame, name: str) -> None:
    _lay(name, lambda file: frame.write_parquet(file, **PARQUET))


def _lay(name: str, write: Callable[[IO[bytes]], object]) -> None:
    """Whole under its name, or not at all."""
    store = storage()
    try:
        path = Path(store.path(name))
    except NotImplementedError:  # not on this machine: an object appears whole, or not at all
        made = io.BytesIO()
        write(made)
        store.delete(name)
        store.save(name, ContentFile(made.getvalue()))
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_suffix(".part")
    with open(draft, "wb", opener=lambda where, flags: os.open(where, flags, 0o600)) as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def load(row: OutputFile, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """The records that the row vouches for; OutOfBalance where they cannot be read."""
    import polars as pl

    try:
        with storage().open(row.name, "rb") as file:
            return pl.read_parquet(file, columns=list(columns) if columns else None)
    except (OSError, pl.exceptions.PolarsError) as error:
        name, why = row.name.rpartition("/")[2], type(error).__name__
        raise OutOfBalance(
            f"{row.output}: {row.records:,} records expected in {name}, 0 found: it cannot be read ({why})."
        ) from None


def of_output(night: Night, output: str) -> list[OutputFile]:
    """The files of an output that count, in the order of their records."""
    return list(OutputFile.objects.filter(night=night, output=output, records__gt=0).order_by("first"))


def records(
    night: Night, output: str, *, partition: int | None = None, after: int = 0, columns: Sequence[str] | None = None
) -> Iterator[pl.DataFrame]:
    """The records numbered above `after`, of one partition or of all, in their order; of their columns these, `seq`
    among them, or all."""
    import polars as pl

    begin, end = span(night.pk, partition)
    begin = max(begin, after + 1)
    rows = OutputFile.objects.filter(night=night, output=output, records__gt=0, last__gte=begin, first__lt=end)
    for row in rows.order_by("first"):
        frame = load(row, columns)
        if row.first < begin or row.last >= end:
            frame = frame.filter(pl.col("seq") >= begin, pl.col("seq") < end)
        yield frame


def sweep(night: Night, output: str, partition: int, *, fence: int | None = None) -> int:
    """Delete what lies in storage and no checkpoint vouches for, of one fence or of all; say how many files."""
    kept = set(
        OutputFile.objects.filter(night=night, output=output, partition=partition).values_list("name", flat=True)
    )
    swept = 0
    for name in listed(night, output):
        short = Path(name).stem
        mine = fence is None or short.endswith(f"-{fence}")
        if short.startswith(f"{partition:04}-") and mine and name not in kept:
            storage().delete(name)
            swept += 1
    return swept


def listed(night: Night, output: str) -> list[str]:
    where = folder(night, output)
    with suppress(FileNotFoundError):
        return [f"{where}/{name}" for name in storage().listdir(where)[1]]
    return []


def forget(night: Night, output: str, partition: int) -> None:
    """Undo an output of one partition: its rows, then its files."""
    OutputFile.objects.filter(night=night, output=output, partition=partition).delete()
    sweep(night, output, partition)
