"""Where a checkpoint falls: at the first record at or past the commit frequency after which no claim is half done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl


def cut(frames: Iterable[pl.DataFrame], frequency: int) -> Iterator[pl.DataFrame]:
    """The records in checkpoints of at least `frequency`; they come in the order of their numbers, which is by member.

    A claim is a member's: one that spans members is cut between them, since far apart they would hold up every
    checkpoint between.
    """
    import polars as pl

    held: pl.DataFrame | None = None
    for frame in frames:
        held = frame if held is None else pl.concat([held, frame])
        if held.height >= frequency:
            begin = 0
            for end in _ends(held, frequency, whole=False):
                yield held[begin:end]
                begin = end
            held = held[begin:]
    if held is not None:
        begin = 0
        for end in [*_ends(held, frequency, whole=True), held.height]:
            if end > begin:
                yield held[begin:end]
                begin = end


def _ends(frame: pl.DataFrame, frequency: int, *, whole: bool) -> Iterator[int]:
    """How many records there are up to each checkpoint. What follows the last member is known of a whole frame only."""
    import polars as pl

    # Positions first: inside `over`, a range would count within each group.
    placed = frame.select("member_id", "claim_id").with_row_index("at")
    last_of_claim = pl.col("at").max().over("member_id", "claim_id")
    free = placed.with_columns(open=last_of_claim.cum_max()).filter(pl.col("at") == pl.col("open"))
    if not whole:
        free = free.filter(pl.col("member_id") != frame["member_id"][-1])
    begin = 0
    for at in free["at"].to_list():
        if at + 1 - begin >= frequency:
            yield at + 1
            begin = at + 1
