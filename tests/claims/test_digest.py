"""The digest of an output is that of its rows by claim and line, in whatever order and pieces they come."""

import hashlib

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claims.pipeline import digest as digests
from claims.pipeline.digest import digest

texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=6)
rows_of_an_output = st.lists(
    st.tuples(texts, st.integers(1, 30), texts, st.none() | st.integers(-5, 5)), max_size=40, unique_by=lambda r: r[:2]
)
SCHEMA = {"claim_id": pl.String, "line_number": pl.Int64, "text": pl.String, "cents": pl.Int64}


def by_hand(rows: list[tuple[str, int, str, int | None]]) -> str:
    """RFC 4180: a field with a comma, a quote or an end of line in it is quoted, and its quotes are doubled."""

    def field(value: object) -> str:
        text = "" if value is None else str(value)
        return '"' + text.replace('"', '""') + '"' if set(text) & set('",\r\n') else text

    ordered = sorted(rows, key=lambda row: (row[0].encode(), row[1]))
    return hashlib.sha256("".join(",".join(map(field, row)) + "\n" for row in ordered).encode()).hexdigest()


def frames(rows: list[tuple[str, int, str, int | None]], size: int) -> list[pl.DataFrame]:
    pieces = [rows[at : at + size] for at in range(0, len(rows), size)]
    return [pl.DataFrame(piece, schema=SCHEMA, orient="row").with_row_index("seq") for piece in pieces]


@pytest.mark.slow
@settings(max_examples=60)
@given(rows_of_an_output, st.integers(1, 9), st.sampled_from([1, 4, 1_000]))
def test_it_is_sha_256_over_the_csv_of_the_rows_in_their_order(
    rows: list[tuple[str, int, str, int | None]], size: int, run: int
) -> None:
    """X-13: quotes, commas and line ends of any text included; rows that do not fit into memory as well."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(digests, "RUN_ROWS", run)
        patch.setattr(digests, "GROUP_ROWS", 1 if run == 1 else 2)
        assert digest(frames(rows, size)) == by_hand(rows)
        assert digest(frames(rows[::-1], size + 1)) == by_hand(rows)


def test_one_cent_or_one_line_makes_another() -> None:
    """X-13"""
    rows: list[tuple[str, int, str, int | None]] = [("C1", 1, "a", 100), ("C1", 2, "a", 100)]
    found = {digest(frames(other, 9)) for other in (rows, rows[:1], [*rows[:1], ("C1", 2, "a", 101)], [])}
    assert len(found) == 4
