"""Checkpoints fall at the first record at or past the frequency after which no claim of a member is half done."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from claims.pipeline.cut import checkpoints, cut, split

Lines = list[tuple[str, str]]


def sizes(lines: Lines, frequency: int, blocks: int = 3) -> list[int]:
    frame = pl.DataFrame(lines, schema=["member_id", "claim_id"], orient="row").with_row_index("seq")
    found = cut(frame.iter_slices(blocks), frequency)
    return [piece.height for block in found for piece in split(block, checkpoints(block))]


@pytest.mark.parametrize(
    ("lines", "frequency", "expected"),
    [
        ("a1 a2 a1 b3 b3 b4 c5 c5", 1, [3, 2, 1, 2]),
        ("a1 a2 a1 b3 b3 b4 c5 c5", 2, [3, 2, 3]),
        ("a1 a2 a1 b3 b3 b4 c5 c5", 100, [8]),
        ("a1 b1 c1", 1, [1, 1, 1]),
        ("a1", 5, [1]),
        ("", 5, []),
    ],
)
def test_where_they_fall(lines: str, frequency: int, expected: list[int]) -> None:
    assert sizes([(word[0], word[1:]) for word in lines.split()], frequency) == expected


@pytest.mark.slow
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("1234")), max_size=40),
    st.integers(1, 12),
    st.integers(1, 9),
)
def test_they_hold_every_record_once_and_end_as_soon_as_they_may(lines: Lines, frequency: int, blocks: int) -> None:
    lines.sort(key=lambda line: line[0])
    found = sizes(lines, frequency, blocks)
    assert sum(found) == len(lines)
    begin = 0
    for size in found:
        may = [end for end in range(begin + 1, len(lines) + 1) if not set(lines[:end]) & set(lines[end:])]
        first = next((end for end in may if end - begin >= frequency), len(lines))
        assert begin + size == first
        begin += size
