"""Validation looks at a member's lines together, for duplicates; of those without a member id it holds a frame."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from claims.pipeline.validate import whole_members


def frames(members: list[str], size: int) -> list[pl.DataFrame]:
    whole = pl.DataFrame({"seq": range(len(members)), "member_id": sorted(members)}, schema_overrides={"seq": pl.Int64})
    return [whole[at : at + size] for at in range(0, whole.height, size)]


@pytest.mark.slow
@given(st.lists(st.sampled_from(["", "A", "B", "C", "D"]), min_size=1, max_size=40), st.integers(1, 7))
def test_no_member_is_parted_and_no_record_is_lost(members: list[str], size: int) -> None:
    """S2-02"""
    found = list(whole_members(iter(frames(members, size))))
    assert pl.concat(found)["seq"].to_list() == list(range(len(members)))
    ends = [frame["member_id"][-1] for frame in found if frame["member_id"][-1]]
    assert len(ends) == len(set(ends))
    seen = [member for frame in found for member in set(frame["member_id"]) - {""}]
    assert len(seen) == len(set(seen))


def test_a_delivery_without_any_member_id_is_not_held_together() -> None:
    """28 million lines need more time, not more memory."""
    found = list(whole_members(iter(frames([""] * 1_000, 10))))
    assert max(frame.height for frame in found) == 10


def test_the_lines_of_one_member_are() -> None:
    """S2-02: R07 compares them."""
    found = list(whole_members(iter(frames(["M"] * 1_000, 10))))
    assert [frame.height for frame in found] == [1_000]
