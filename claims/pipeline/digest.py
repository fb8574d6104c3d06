"""The digest of an output: SHA-256 over the canonical CSV of its rows in (claim_id, line_number) order [X-13].

Partitions and checkpoints do not show in it. Rows come in any order; more than fit into memory are sorted in runs that
lie in files without a name, which end with the process.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING

from claims.pipeline.night import KEY

if TYPE_CHECKING:
    import polars as pl

RUN_ROWS = 1_000_000
GROUP_ROWS = 50_000  # what is read at the least of a run
SLICE_ROWS = 100_000


def digest(frames: Iterable[pl.DataFrame]) -> str:
    """In hexadecimal digits. The frames have the key's columns; `seq`, which partitions decide, is left out."""
    with ExitStack() as stack:
        rows = Sorted(lambda: stack.enter_context(TemporaryFile()))
        for frame in frames:
            rows.add(frame)
        sha = hashlib.sha256()
        for line in rows.lines():
            sha.update(line)
    return sha.hexdigest()


class Sorted:
    """add() each frame, then take the lines(). `open_run` makes a file that goes by itself."""

    def __init__(self, open_run: Callable[[], IO[bytes]]) -> None:
        self._open_run = open_run
        self._held: list[pl.DataFrame] = []
        self._rows = 0
        self._runs: list[IO[bytes]] = []
        self._marks: list[str] = []

    def add(self, frame: pl.DataFrame) -> None:
        if frame.is_empty():
            return
        self._held.append(spelled(frame))
        self._rows += frame.height
        if self._rows >= RUN_ROWS:
            self._lay_down()

    def lines(self) -> Iterator[bytes]:
        """The CSV, some lines at a time."""
        if not self._runs:
            yield from _csv(self._sorted())
            return
        self._lay_down()
        for low, high in self._ranges():
            yield from _csv(self._between(low, high))

    def _sorted(self) -> pl.DataFrame | None:
        import polars as pl

        held, self._held, self._rows = self._held, [], 0
        return pl.concat(held).sort(KEY) if held else None

    def _lay_down(self) -> None:
        rows = self._sorted()
        if rows is None:
            return
        run = self._open_run()
        rows.write_parquet(run, compression="lz4", row_group_size=GROUP_ROWS)
        self._runs.append(run)
        self._marks += rows["claim_id"].gather_every(GROUP_ROWS).to_list()

    def _ranges(self) -> list[tuple[str | None, str | None]]:
        """Of about as many rows as a run has."""
        every = RUN_ROWS // GROUP_ROWS
        marks = sorted(set(self._marks))[every::every]
        return list(zip([None, *marks], [*marks, None], strict=True))

    def _between(self, low: str | None, high: str | None) -> pl.DataFrame:
        import polars as pl

        inside = pl.lit(value=True)
        if low is not None:
            inside &= pl.col("claim_id") >= low
        if high is not None:
            inside &= pl.col("claim_id") < high
        for run in self._runs:
            run.seek(0)
        return pl.concat([pl.scan_parquet(run).filter(inside) for run in self._runs]).collect().sort(KEY)


def spelled(frame: pl.DataFrame) -> pl.DataFrame:
    """The key and the row as a line of CSV: nothing for null, quoted where it must be."""
    import polars as pl

    names = [name for name in frame.columns if name != "seq"]
    fields = [pl.col(name).cast(pl.String).fill_null("") for name in names]
    lines = frame.select(*KEY, text=pl.concat_str(fields, separator=","))
    text = pl.col("text")
    plain = (text.str.count_matches(",", literal=True) == len(names) - 1) & ~text.str.contains(r'["\r\n]')
    if lines.select(plain.all()).item():
        return lines
    quoted = [
        pl.when(field.str.contains(r'[",\r\n]')).then('"' + field.str.replace_all('"', '""') + '"').otherwise(field)
        for field in fields
    ]
    return frame.select(*KEY, text=pl.concat_str(quoted, separator=","))


def _csv(rows: pl.DataFrame | None) -> Iterator[bytes]:
    for piece in rows.iter_slices(SLICE_ROWS) if rows is not None else ():
        lines = io.BytesIO()
        piece.select("text").write_csv(lines, include_header=False, quote_style="never")
        yield lines.getvalue()
