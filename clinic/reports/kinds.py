"""What a report is made from: a declaration as data, and the table that it gives for a region and a period."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from django.db.models import TextChoices

from regions.models import Region

Row = tuple[Any, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Period:
    """Days of the region: `begins` is included, `ends` is not."""

    begins: date
    ends: date

    def instants(self, region: Region) -> tuple[datetime, datetime]:
        """When it begins and ends in the region's zone."""
        return datetime.combine(self.begins, time(), region.zone), datetime.combine(self.ends, time(), region.zone)


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """`share`: of the page's width, in relation to the others; figures stand to the right."""

    title: str
    share: int = 2
    figure: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """Rows in their order, each with a value for each column; `totals`: (what, how many or how much), exact."""

    rows: list[Row]
    totals: list[tuple[str, int | Decimal]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """One kind of report. `table` may read the database and nothing else; it stops at `most` rows beyond the limit."""

    name: str
    title: str
    columns: tuple[Column, ...]
    table: Callable[[Region, Period, int], Table]


def by_state(rows: Iterable[Any], states: type[TextChoices]) -> list[tuple[str, int | Decimal]]:
    """Totals: how many of the rows stand in each state that any does, in the order of the states."""
    found = Counter(row.state for row in rows)
    return [(word_of(state), found[state]) for state in states if found[state]]


def word_of(state: TextChoices) -> str:
    """As a report writes it."""
    return str(state.label).capitalize()


class TooLong(Exception):
    """There are more rows than the report may have."""


def at_most(rows: Any, most: int) -> list[Any]:
    """All rows of the query; TooLong where there are more than `most`."""
    found = list(rows[: most + 1])
    if len(found) > most:
        raise TooLong
    return found
