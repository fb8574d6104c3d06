"""What counts as a date, an amount and a number of units in a claim line; null where it is none.

Digits are written [0-9]: the other digits of Unicode, which \\d would match as well, cannot be read as a number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl


def day(column: str) -> pl.Expr:
    """YYYY-MM-DD and nothing else; there is no year 0."""
    import polars as pl

    text = pl.col(column)
    return pl.when(text.str.contains(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$") & ~text.str.starts_with("0000")).then(
        text.str.to_date("%Y-%m-%d", strict=False)
    )


def cents(column: str) -> pl.Expr:
    """Dollars with at most two decimals, in cents; a minus is read, so that a negative amount is one."""
    import polars as pl

    text = pl.col(column)
    whole = text.str.extract(r"^-?([0-9]{1,12})").cast(pl.Int64)
    part = text.str.extract(r"\.([0-9]{1,2})$").fill_null("0").str.pad_end(2, "0").cast(pl.Int64)
    sign = pl.when(text.str.starts_with("-")).then(-1).otherwise(1)
    return pl.when(text.str.contains(r"^-?[0-9]{1,12}(\.[0-9]{1,2})?$")).then(sign * (whole * 100 + part))


def units(column: str) -> pl.Expr:
    """A whole number."""
    import polars as pl

    text = pl.col(column)
    return pl.when(text.str.contains(r"^-?[0-9]{1,9}$")).then(text.str.extract(r"^(-?[0-9]+)$").cast(pl.Int64))
