"""Step 1, PNCEXTRT: the staged lines of the night into the extract file, sorted by member and numbered [S2-01].

The order is the one in which step 5 works: partition, member, service date, claim, line; texts compare byte by byte.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.db.models import Sum

from backoffice.runs.faults import ConfigError
from backoffice.runs.job import Chunk, Json, Result
from backoffice.runs.models import StepPart
from claims.models import StagedBatch
from claims.pipeline import files, frames, parse, verify
from claims.pipeline.ahead import ahead
from claims.pipeline.cut import cut
from claims.pipeline.night import Rows, Work, counted, opened, result
from claims.pipeline.numbers import base

if TYPE_CHECKING:
    import polars as pl

OUTPUT = "extract"
TEXTS = ("member_id", "provider_npi", "service_date", "received_date", "procedure_code", "units", "billed")


@contextmanager
def open_step(part: StepPart) -> Iterator[Work]:
    with opened(part, OUTPUT) as work:
        stamp(work)
        yield work


def stamp(work: Work) -> None:
    """The lines that are staged now belong to this night; a night that has its lines already gets no more."""
    batches = StagedBatch.objects.filter(region=work.region)
    if not batches.filter(run_date=work.run_date).exists():
        batches.filter(run_date=None).update(run_date=work.run_date)


def batches_of(work: Work) -> list[int]:
    return list(StagedBatch.objects.filter(region=work.region, run_date=work.run_date).values_list("pk", flat=True))


def chunks(work: Work, checkpoint: Json | None) -> Iterator[Chunk]:
    batches = batches_of(work)
    lines = StagedBatch.objects.filter(pk__in=batches).aggregate(lines=Sum("lines"))["lines"] or 0
    if not lines:
        raise ConfigError(f"No claims are staged for {work.region.name}. Load them: manage.py load_claims DIR.")
    done = work.part.totals.get(f"out.{OUTPUT}", 0)
    for frame in ahead(cut(_numbered(work, _staged(work, batches, checkpoint), checkpoint), work.frequency)):
        done += frame.height
        last = frame.row(-1, named=True)
        key = [last[name] for name in ("member_id", "service_date", "claim_id", "line_number")]
        yield Chunk(
            data=frame, checkpoint={"seq": last["seq"], "key": key}, done=done, of=lines,
            label=f"{done:,} of {lines:,} lines",
        )  # fmt: skip


def _staged(work: Work, batches: list[int], checkpoint: Json | None) -> Iterator[pl.DataFrame]:
    """The lines after the checkpoint, in their order, as the staging table has them."""
    import polars as pl

    binary = ' COLLATE "C"' if connection.vendor == "postgresql" else ""
    order = ("part", f"member_id{binary}", f"service_date{binary}", f"claim_id{binary}", "line_number")
    marks = ", ".join(["%s"] * len(batches))
    part = "member_hash %% %s" if connection.vendor == "postgresql" else "member_hash % %s"
    lines = (
        f"SELECT {part} AS part, claim_id, line_number, {', '.join(TEXTS)} FROM claims_stagedline"  # noqa: S608
        f" WHERE batch_id IN ({marks})"
    )
    parameters: list[Any] = [work.night.partitions, *batches]
    after = ""
    if checkpoint:
        after = f" WHERE ({', '.join(order)}) > (%s, %s, %s, %s, %s)"
        parameters += [_partition(work, checkpoint["seq"]), *checkpoint["key"]]
    schema = {"part": pl.Int64, "claim_id": pl.String, "line_number": pl.Int64, **dict.fromkeys(TEXTS, pl.String)}
    statement = f"SELECT * FROM ({lines}) AS staged{after} ORDER BY {', '.join(order)}"  # noqa: S608
    return frames.stream(statement, parameters, schema)


def _partition(work: Work, seq: int) -> int:
    return (seq - base(work.night.pk, 0)) // base(0, 1)


def _numbered(work: Work, lines: Iterator[pl.DataFrame], checkpoint: Json | None) -> Iterator[pl.DataFrame]:
    import polars as pl

    seq = int(checkpoint["seq"]) if checkpoint else base(work.night.pk, 0)
    for frame in lines:
        pieces = []
        for piece in frame.partition_by("part", maintain_order=True):
            begin = base(work.night.pk, piece["part"][0])
            seq = max(seq, begin)
            pieces.append(
                piece.select(
                    pl.int_range(seq + 1, seq + 1 + piece.height, dtype=pl.Int64).alias("seq"), pl.exclude("part")
                )
            )
            seq += piece.height
        yield pl.concat(pieces)


def prepare(work: Work, chunk: Chunk) -> Result:
    frame: pl.DataFrame = chunk.data
    return result(frame.height, figures(frame, OUTPUT), Rows(files=[work.save(frame, OUTPUT)]))


def figures(frame: pl.DataFrame, output: str) -> dict[str, int]:
    """Of lines as they were delivered: an amount that is none counts as nothing."""
    return counted(
        frame.with_columns(in_cents=parse.cents("billed").fill_null(0)), output, "in_cents", billed="in_cents"
    )


def check(work: Work) -> Json:
    return {OUTPUT: read_back(work, OUTPUT)}


def read_back(work: Work, output: str) -> Json:
    """The figures of an output whose lines are as they were delivered."""
    rows = files.of_output(work.night, output)
    lines = (files.load(row).with_columns(in_cents=parse.cents("billed").fill_null(0)) for row in rows)
    return verify.check(work, output, "in_cents", lines, billed="in_cents")


def reset(part: StepPart) -> None:
    from claims.pipeline.night import night_of

    files.forget(night_of(part), OUTPUT, part.partition)
