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
from claims.pipeline import files, frames, once, parse, verify
from claims.pipeline.ahead import ahead
from claims.pipeline.cut import checkpoints, cut, split
from claims.pipeline.night import Figures, Rows, Work, counted_each, merged, of_lines, opened
from claims.pipeline.numbers import base, partition_of

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
    """The lines that are staged now belong to this night; a night that has its lines already gets no more. As it
    begins, none of them may be there twice, nor be adjudicated already."""
    mine = once.of_night(work.night)
    taken = mine.exists()
    batches = mine if taken else StagedBatch.waiting_for(work.region, work.run_date)
    looked_at = list(batches.values_list("pk", flat=True))
    if work.part.checkpoint is None:
        once.refuse_twice(work.night, StagedBatch.objects.filter(pk__in=looked_at), taken=taken)
    if not taken:
        StagedBatch.objects.filter(pk__in=looked_at, run_date=None).update(run_date=work.run_date)


def batches_of(work: Work) -> list[int]:
    return list(once.of_night(work.night).values_list("pk", flat=True))


def chunks(work: Work, checkpoint: Json | None) -> Iterator[Chunk]:
    batches = batches_of(work)
    lines = StagedBatch.objects.filter(pk__in=batches).aggregate(lines=Sum("lines"))["lines"] or 0
    if not lines:
        raise ConfigError(f"No claims are staged for {work.region.name}. Load them: manage.py load_claims DIR.")
    yield from ahead(_blocks(work, batches, lines, checkpoint))


def _blocks(work: Work, batches: list[int], of: int, checkpoint: Json | None) -> Iterator[list[Chunk]]:
    done = work.part.totals.get(f"out.{OUTPUT}", 0)
    for block in cut(_numbered(work, batches, checkpoint), work.frequency):
        count = checkpoints(block)
        made = []
        for frame, totals in zip(split(block, count), merged(count, figures_each(block, OUTPUT)), strict=True):
            done += frame.height
            seq, *key = frame.select("seq", "member_id", "service_date", "claim_id", "line_number").row(-1)
            made.append(of_lines((frame, totals), {"seq": seq, "key": key}, done, of))
        yield made


def _numbered(work: Work, batches: list[int], checkpoint: Json | None) -> Iterator[pl.DataFrame]:
    """The lines after the checkpoint in their order, each with its number."""
    import polars as pl

    seq, after = (int(checkpoint["seq"]), checkpoint["key"]) if checkpoint else (base(work.night.pk, 0), [])
    for partition in range(partition_of(seq), work.night.partitions):
        seq = max(seq, base(work.night.pk, partition))
        for lines in _staged(work, batches, partition, after):
            numbers = pl.int_range(seq + 1, seq + 1 + lines.height, dtype=pl.Int64, eager=True)
            yield lines.select(numbers.alias("seq"), pl.all())
            seq += lines.height
        after = []


def _staged(work: Work, batches: list[int], partition: int, after: list[Any]) -> Iterator[pl.DataFrame]:
    """A partition's lines after this (member, service date, claim, line), as the staging table has them."""
    import polars as pl

    order = "member_id, service_date, claim_id, line_number"
    columns = ("claim_id", "line_number", *TEXTS)
    chosen = f"batch_id IN ({', '.join(['%s'] * len(batches))})" if batches[1:] else "batch_id = %s"
    parameters: list[Any] = [*batches]
    if work.night.partitions > 1:
        chosen += f" AND {'mod(member_hash, %s)' if connection.vendor == 'postgresql' else 'member_hash % %s'} = %s"
        parameters += [work.night.partitions, partition]
    if after:
        chosen += f" AND ({order}) > (%s, %s, %s, %s)"
        parameters += after
    schema = {**dict.fromkeys(columns, pl.String), "line_number": pl.Int64}
    return frames.stream(f"FROM claims_stagedline WHERE {chosen} ORDER BY {order}", parameters, schema)


def prepare(work: Work, chunk: Chunk) -> Result:
    frame, totals = chunk.data
    return Result(totals={"in": frame.height, **totals}, rows=Rows(files=[work.save(frame, OUTPUT)]))


def figures_each(block: pl.DataFrame, output: str) -> dict[int, Figures]:
    """Of lines as they were delivered, by checkpoint."""
    return counted_each(amounts(block), output, "in_cents", billed="in_cents")


def amounts(lines: pl.DataFrame) -> pl.DataFrame:
    """The lines as they were delivered with what they bill: an amount that is none counts as nothing."""
    return lines.with_columns(in_cents=parse.cents("billed").fill_null(0))


def check(work: Work) -> Json:
    return {OUTPUT: verify.file_sums(work, OUTPUT, parse.cents("billed").fill_null(0))}


def read_back(work: Work, output: str) -> Json:
    """The figures of an output whose lines are as they were delivered."""
    rows = files.of_output(work.night, output)
    lines = (amounts(files.load(row)) for row in rows)
    return verify.check(work, output, "in_cents", lines, billed="in_cents")


def reset(part: StepPart) -> None:
    from claims.pipeline.night import night_of

    files.forget(night_of(part), OUTPUT, part.partition)
