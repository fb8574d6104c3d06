"""The digest of an output: SHA-256 over the canonical CSV of its rows in (claim_id, line_number) order [X-13].

Partitions and checkpoints do not show in it. Rows come in any order; more than fit into memory are sorted in runs that
lie in files without a name, which end with the process.
"""

from __future__ import annotations

import hashlib
import io
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

KEY = ("claim_id", "line_number")
RUN_ROWS = 1_500_000
GROUP_ROWS = 50_000  # what is read at the least of a run
SLICE_ROWS = 100_000


class Digest:
    """add() each frame, then hexdigest()."""

    def __init__(self) -> None:
        self._held: list[pl.DataFrame] = []
        self._rows = 0
        self._runs: list[IO[bytes]] = []
        self._marks: list[str] = []

    def add(self, frame: pl.DataFrame) -> None:
        """Rows with the key's columns; `seq`, which partitions decide, is left out."""
        if frame.is_empty():
            return
        self._held.append(spelled(frame))
        self._rows += frame.height
        if self._rows >= RUN_ROWS:
            self._lay_down()

    def hexdigest(self) -> str:
        sha = hashlib.sha256()
        if not self._runs:
            _update(sha, self._sorted())
            return sha.hexdigest()
        self._lay_down()
        for low, high in self._ranges():
            _update(sha, self._between(low, high))
        for run in self._runs:
            run.close()
        return sha.hexdigest()

    def _sorted(self) -> pl.DataFrame | None:
        import polars as pl

        held, self._held, self._rows = self._held, [], 0
        return pl.concat(held).sort(KEY) if held else None

    def _lay_down(self) -> None:
        rows = self._sorted()
        if rows is None:
            return
        run = TemporaryFile()
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


def _update(sha: Any, rows: pl.DataFrame | None) -> None:
    if rows is None:
        return
    for piece in rows.iter_slices(SLICE_ROWS):
        lines = io.BytesIO()
        piece.select("text").write_csv(lines, include_header=False, quote_style="never")
        sha.update(lines.getbuffer())
