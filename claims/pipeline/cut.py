"""Where a checkpoint falls: at the first record at or past the commit frequency after which no claim is half done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

OWNER = ("member_id",)
CLAIM = ("member_id", "claim_id")


def cut(
    frames: Iterable[pl.DataFrame], frequency: int, *, claim: tuple[str, ...] = CLAIM, unknown: tuple[str, ...] = OWNER
) -> Iterator[pl.DataFrame]:
    """The records in checkpoints of at least `frequency`; they come in the order of their numbers, which is by member.

    A claim is a member's: one that spans members is cut between them, since far apart they would hold up every
    checkpoint between. `claim`: the columns that make one; `unknown`: those whose last value may go on in the next
    frame with lines of any claim before it.
    """
    import polars as pl

    held: pl.DataFrame | None = None
    for frame in frames:
        held = frame if held is None else pl.concat([held, frame])
        if held.height >= frequency:
            begin = 0
            for end in _ends(held, frequency, claim, unknown):
                yield held[begin:end]
                begin = end
            held = held[begin:]
    if held is not None:
        begin = 0
        for end in [*_ends(held, frequency, claim, ()), held.height]:
            if end > begin:
                yield held[begin:end]
                begin = end


def _ends(frame: pl.DataFrame, frequency: int, claim: tuple[str, ...], unknown: tuple[str, ...]) -> Iterator[int]:
    """How many records there are up to each checkpoint; none where more of the last one's `unknown` may follow."""
    import polars as pl

    # Positions first: inside `over`, a range would count within each group.
    placed = frame.select(claim).with_row_index("at")
    last_of_claim = pl.col("at").max().over(claim)
    free = placed.with_columns(open=last_of_claim.cum_max()).filter(pl.col("at") == pl.col("open"))
    if unknown:
        free = free.filter(pl.any_horizontal(pl.col(name) != frame[name][-1] for name in unknown))
    begin = 0
    for at in free["at"].to_list():
        if at + 1 - begin >= frequency:
            yield at + 1
            begin = at + 1
