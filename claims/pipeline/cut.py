"""Where a checkpoint falls: at the first record at or past the commit frequency after which no claim is half done.

Many checkpoints are computed at once, in a block, so that a small commit frequency costs commits and little else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

OWNER = ("member_id",)
CLAIM = ("member_id", "claim_id")
BLOCK, AT_ONCE = 50_000, 25  # records or checkpoints that a block has, whichever are fewer


def cut(
    frames: Iterable[pl.DataFrame], frequency: int, *, claim: tuple[str, ...] = CLAIM, unknown: tuple[str, ...] = OWNER
) -> Iterator[pl.DataFrame]:
    """The records in blocks of whole checkpoints, each of at least `frequency` records; the column `checkpoint` counts
    those of a block from 0. The records come in the order of their numbers, which is by member.

    A claim is a member's: one that spans members is cut between them, since far apart they would hold up every
    checkpoint between. `claim`: the columns that make one; `unknown`: those whose last value may go on in the next
    frame with lines of any claim before it.
    """
    import polars as pl

    held: list[pl.DataFrame] = []
    enough = frequency  # the first block is short: there is nothing to be done meanwhile
    for frame in frames:
        held.append(frame)
        if sum(some.height for some in held) >= enough:
            block = pl.concat(held)
            ends = list(_ends(block, frequency, claim, unknown))
            yield from _blocks(block, ends, first=enough == frequency)
            held = [block[ends[-1] :] if ends else block]
            enough = max(frequency, min(BLOCK, AT_ONCE * frequency))
    if held and (block := pl.concat(held)).height:
        ends = list(_ends(block, frequency, claim, ()))
        yield from _blocks(block, ends if ends and ends[-1] == block.height else [*ends, block.height])


def _blocks(records: pl.DataFrame, ends: list[int], *, first: bool = False) -> Iterator[pl.DataFrame]:
    """The records up to the last of these ends, with their checkpoints counted; the first block with one alone."""
    import polars as pl

    begin, waiting = 0, []
    for end in ends:
        waiting.append(end - begin)
        if len(waiting) == AT_ONCE or waiting[-1] >= BLOCK or end == ends[-1] or (first and begin == 0):
            places = pl.int_range(1, waiting[-1] + 1, eager=True)
            checkpoint = pl.Series(waiting, dtype=pl.Int64).search_sorted(places)
            yield records[begin:end].with_columns(checkpoint=checkpoint)
            begin, waiting = end, []


def checkpoints(block: pl.DataFrame) -> int:
    """How many a block has."""
    return int(block["checkpoint"][-1]) + 1


def split(records: pl.DataFrame, count: int) -> list[pl.DataFrame]:
    """The records of each of so many checkpoints, without that column, which is in order."""
    import polars as pl

    bounds = records["checkpoint"].search_sorted(pl.int_range(count + 1, eager=True)).to_list()
    records = records.drop("checkpoint")
    return [records[begin:end] for begin, end in pairwise(bounds)]


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
