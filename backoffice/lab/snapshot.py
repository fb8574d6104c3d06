"""All that a night leaves behind, as digests that must be the same however it got there.

A night's number is part of its records' keys and differs where a transaction that made one was rolled back; it is taken
out. What two nights may differ in is named here, everything else is compared, a new table or column as well.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any

from django.apps import apps
from django.db import models

from backoffice.runs.faults import OutOfBalance
from backoffice.runs.models import Failure, Run, StepPart, StepState
from claims.models import AccumulatorFence, BeforeImage, Night, OutputFile, Restoration, StagedLine
from claims.pipeline import files
from claims.pipeline.numbers import base
from claims.pipeline.validate import DECISIONS

OUTPUTS = (DECISIONS, "extract", "valid", "reject", "enriched", "audit", "remittance")
# Who worked a part and when, how often it was begun, and what merely points elsewhere.
MAY_DIFFER = {
    AccumulatorFence: "a fence counts who has worked a part",
    Restoration: "counts what restarts have put back", "commit_seconds": "a time",
    "created_at": "a time", "started_at": "a time", "ended_at": "a time", "heartbeat_at": "a time",
    "seconds": "a time", "fence": "counts who has worked a part", "worker": "the name of a process",
    "restart_count": "counts restarts", "predecessors": "counts restarts", "undo": "is false at the end",
    "chain": "a random number", "key": "of the region and the night", "job": "of the region and the night",
    "source": "the folder that was loaded", "name": "a file's name carries the fence of its worker",
    "resolved_at": "a time",
}  # fmt: skip
NUMBERS = {"seq", "first", "last"}


def snapshot(run: Run) -> dict[str, str]:
    """Name of a table or output → digest; files that no row vouches for are counted as "left over"."""
    night = Night.objects.filter(chain=run.chain).first()
    below = base(night.pk, 0) if night else 0
    found = {
        model._meta.db_table: digest(_rows(model, below))
        for model in apps.get_app_config("claims").get_models()
        if model not in MAY_DIFFER
    }
    found["runs_failure"] = digest(_rows(Failure, below))
    found |= {
        f"{state.name}: {output}": digest([json.dumps(figures, sort_keys=True)])
        for state in StepState.objects.filter(chain=run.chain)
        for output, figures in state.outputs.items()
    }
    states = StepState.objects.filter(chain=run.chain)
    found["control rows"] = digest(states.values_list("name", "sequence", "status", "remaining"))
    found["restart rows"] = digest(_parts(run, below))
    if night is not None:
        found |= {f"{output} files": digest(_lines(night, output, below)) for output in OUTPUTS}
        vouched = set(OutputFile.objects.filter(night=night).values_list("name", flat=True))
        left = (name for output in OUTPUTS for name in files.listed(night, output))
        found["left over"] = str(sum(name not in vouched for name in left))
    return found


def digest(rows: Iterable[Any]) -> str:
    sha = hashlib.sha256()
    for row in rows:
        sha.update(row if isinstance(row, bytes) else repr(row).encode() + b"\n")
    return sha.hexdigest()[:16]


def columns_of(model: type[models.Model]) -> list[str]:
    """What is compared of a table."""
    return [
        field.attname
        for field in model._meta.concrete_fields
        if field.name not in MAY_DIFFER and not isinstance(field, models.AutoField | models.ForeignKey)
    ]


def _rows(model: type[models.Model], below: int) -> Iterator[tuple[Any, ...]]:
    columns = columns_of(model)
    numbers = {n for n, name in enumerate(columns) if name in NUMBERS or (model is BeforeImage and name == "id")}
    keyed = model is StagedLine or not isinstance(model._meta.pk, models.AutoField)
    rows = model._default_manager.order_by(*(["pk"] if keyed else columns)).values_list(*columns)
    for row in rows.iterator(chunk_size=5_000):
        yield tuple(_place(value, below) if n in numbers else value for n, value in enumerate(row)) if numbers else row


def _place(value: int, below: int) -> int:
    return value - below if value > below else value


def _parts(run: Run, below: int) -> Iterator[tuple[Any, ...]]:
    columns = [name for name in columns_of(StepPart) if name not in ("id", "checkpoint")]
    parts = StepPart.objects.filter(step__chain=run.chain).order_by("step__sequence", "partition")
    for name, checkpoint, *rest in parts.values_list("step__name", "checkpoint", *columns):
        place = checkpoint and {**checkpoint, "seq": _place(checkpoint["seq"], below)}
        yield name, json.dumps(place, sort_keys=True), *(json.dumps(value, sort_keys=True) for value in rest)


def _lines(night: Night, output: str, below: int) -> Iterator[bytes]:
    """Every record of an output's files, file by file."""
    import polars as pl

    for row in OutputFile.objects.filter(night=night, output=output).order_by("partition", "number"):
        seq = pl.when(pl.col("seq") > below).then(pl.col("seq") - below).otherwise(pl.col("seq"))
        yield f"{row.partition} {row.number} {row.records}\n".encode()
        try:
            yield files.load(row).with_columns(seq=seq).write_csv().encode()
        except OutOfBalance:
            yield b"gone\n"  # as an undo that was killed leaves it
