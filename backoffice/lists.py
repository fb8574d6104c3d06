"""A filtered list over a table of any size: no COUNT(*) over everything, no page that reads half the table."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest

from backoffice.access import scoped

COUNT_LIMIT = 10_000
PAGE_SIZE = 50

if TYPE_CHECKING:
    _Paginator = Paginator[Any]
else:
    # Django's paginator is generic in its stubs only.
    _Paginator = Paginator

Choices = Sequence[tuple[str, str]]


class BoundedPaginator(_Paginator):
    """Counts to COUNT_LIMIT and offers the pages up to there; `more` says that the list goes on.

    `streams` hold the rows between them, each row in one, all in the order (-`sort`, -id), or (-id) without `sort`; or
    the other way round, where they are `ascending`. One
    stream for each value of an index's first columns lets a database read every stream in that order and no further
    than the page; asked for several values at once it would sort them all. `every` is the query without filters, by
    which the rows of the page are fetched: with the filters, their ids would not lead the way.
    """

    def __init__(
        self, every: QuerySet[Any], streams: Sequence[QuerySet[Any]], sort: str = "", *, ascending: bool = False
    ) -> None:
        super().__init__(streams, PAGE_SIZE)
        self.every, self.streams, self.sort, self.ascending = every.order_by(), streams, sort, ascending

    @cached_property
    def _counted(self) -> int:
        counted = 0
        for rows in self.streams:
            if counted <= COUNT_LIMIT:
                counted += rows.order_by()[: COUNT_LIMIT + 1].count()
        return counted

    def page(self, number: int | str) -> Page[Any]:
        checked = self.validate_number(number)
        first = (checked - 1) * self.per_page
        return Page(self._rows(first, min(first + self.per_page, self.count)), checked, self)

    def _rows(self, first: int, last: int) -> list[Any]:
        columns = (self.sort, "pk") if self.sort else ("pk",)
        tops = [rows.values_list(*columns)[:last] for rows in self.streams]
        ids = [key[-1] for key in islice(merge(*tops, reverse=not self.ascending), first, last)]
        found = self.every.in_bulk(ids)
        return [found[pk] for pk in ids if pk in found]

    @cached_property
    def count(self) -> int:
        return min(self._counted, COUNT_LIMIT)

    @property
    def more(self) -> bool:
        return self._counted > COUNT_LIMIT


@dataclass(frozen=True, kw_only=True, slots=True)
class Filter:
    """One filter of a list. Without choices it has no control of its own: links set it, and it shows as a mark.

    `default` holds while the address says nothing of it; "all" in the address switches it off. A value that is not
    among the choices matches nothing.
    """

    name: str
    title: str
    apply: Callable[[QuerySet[Any], str], QuerySet[Any]]
    choices: Callable[[HttpRequest], Choices] | None = None
    default: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Control:
    """A filter as a page shows it."""

    name: str
    title: str
    value: str
    choices: Choices | None

    @property
    def unknown(self) -> bool:
        """Whether its value is none of those to choose from: an address that was mistyped, or is old."""
        return (
            self.choices is not None
            and self.value not in ("", "all")
            and self.value not in [value for value, _ in self.choices]
        )


class Listing:
    """One page of a filtered list: `page`, `paginator`, `controls`, `search`; ready when it is made."""

    def __init__(
        self,
        request: HttpRequest,
        rows: QuerySet[Any],
        filters: Sequence[Filter],
        search: Callable[[QuerySet[Any], str], QuerySet[Any]] | None = None,
        split: Callable[[QuerySet[Any]], Sequence[QuerySet[Any]]] | None = None,
        sort: str = "",
        *,
        ascending: bool = False,
    ) -> None:
        """`split` makes the streams of the paginator, each ordered by (-`sort`, -id), of the filtered rows."""
        self.request = request
        self.controls: list[Control] = []
        every = rows
        for entry in filters:
            rows = self._filter(rows, entry)
        self.search = request.GET.get("q", "").strip()
        if search is not None and self.search:
            rows = search(rows, self.search)
        self.rows = rows
        self.paginator = BoundedPaginator(every, split(rows) if split else [rows], sort, ascending=ascending)
        self.page = self.paginator.get_page(request.GET.get("p"))

    def value(self, name: str) -> str:
        """What a filter stands at; empty for all."""
        chosen = next((control.value for control in self.controls if control.name == name), "")
        return "" if chosen == "all" else chosen

    def _filter(self, rows: QuerySet[Any], entry: Filter) -> QuerySet[Any]:
        value = self.request.GET.get(entry.name, entry.default)
        choices = entry.choices(self.request) if entry.choices else None
        control = Control(name=entry.name, title=entry.title, value=value, choices=choices)
        self.controls.append(control)
        if value in ("", "all"):
            return rows
        if "\0" in value or control.unknown:  # PostgreSQL has no text with such a character
            return rows.none()
        return entry.apply(rows, value)

    @property
    def active(self) -> bool:
        """Whether anything but the defaults narrows the list."""
        return bool(self.search) or any(control.value not in ("", "all") for control in self.controls)


def by(field: str) -> Callable[[QuerySet[Any], str], QuerySet[Any]]:
    """Rows whose field equals the value."""
    return lambda rows, value: rows.filter(**{field: value})


def by_id(field: str) -> Callable[[QuerySet[Any], str], QuerySet[Any]]:
    """Rows whose relation leads to the id; none for what is no number."""
    return lambda rows, value: rows.filter(**{field: int(value)}) if is_id(value) else rows.none()


def is_id(text: str) -> bool:
    """Whether an address's text may be a row's number."""
    return text.isascii() and text.isdigit() and len(text) <= 18


def as_choices(choices: Iterable[tuple[str, str]]) -> Choices:
    """A model's choices as a list offers them: each begins with a capital."""
    return [(value, label[:1].upper() + label[1:]) for value, label in choices]


def region_choices(request: HttpRequest) -> Choices:
    """The user's regions by name."""
    regions = apps.get_model("regions.Region")._default_manager.all()
    return list(scoped(regions, request.user, "").values_list("name", "display_name"))


def first_values(streams: Iterable[QuerySet[Any]], *columns: str) -> tuple[set[Any], bool]:
    """What the columns hold in as many rows as a list is counted, and whether there are more rows than that."""
    found: set[Any] = set()
    left = COUNT_LIMIT
    for rows in streams:
        read = rows.values_list(*columns)[: left + 1]
        found.update(read)
        left -= len(read)
        if left < 0:
            return found, True
    return found, False
