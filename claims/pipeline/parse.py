"""What counts as a date, an amount and a number of units in a claim line; null where it is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl


def day(column: str) -> pl.Expr:
    """YYYY-MM-DD and nothing else."""
    import polars as pl

    text = pl.col(column)
    return pl.when(text.str.contains(r"^\d{4}-\d{2}-\d{2}$")).then(text.str.to_date("%Y-%m-%d", strict=False))


def cents(column: str) -> pl.Expr:
    """Dollars with at most two decimals, in cents; a minus is read, so that a negative amount is one."""
    import polars as pl

    text = pl.col(column)
    whole = text.str.extract(r"^-?(\d{1,12})").cast(pl.Int64)
    part = text.str.extract(r"\.(\d{1,2})$").fill_null("0").str.pad_end(2, "0").cast(pl.Int64)
    sign = pl.when(text.str.starts_with("-")).then(-1).otherwise(1)
    return pl.when(text.str.contains(r"^-?\d{1,12}(\.\d{1,2})?$")).then(sign * (whole * 100 + part))


def units(column: str) -> pl.Expr:
    """A whole number."""
    import polars as pl

    text = pl.col(column)
    return pl.when(text.str.contains(r"^-?\d{1,9}$")).then(text.str.extract(r"^(-?\d+)$").cast(pl.Int64))
