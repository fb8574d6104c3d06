"""Filters and tags of our own pages; the words themselves are in backoffice/formats.py."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import template
from django.http import QueryDict
from django.utils import timezone
from django.utils.html import format_html

from backoffice import formats

register = template.Library()

# Longer ids are shown by so many characters of their beginning and of their end.
LONG_ID, ID_BEGIN, ID_END = 14, 4, 8

register.filter("money", formats.money)
register.filter("duration", formats.duration)
register.filter("words", formats.words)


@register.filter
def whole(number: int | float | None) -> str:
    """12,345; empty for None."""
    return "" if number is None else f"{number:,.0f}"


@register.filter
def percent(share: float | None) -> str:
    return "" if share is None else f"{share * 100:.0f} %"


@register.filter
def share_of(part: int, whole: int) -> str:
    """25 %; empty where there is nothing to have a share of."""
    return percent(part / whole) if whole else ""


@register.filter
def moment(at: Any, region: Any = None) -> str:
    """A time in the zone of `region`, UTC where there is none."""
    return formats.moment(at, ZoneInfo(region.time_zone) if region else None)


@register.filter
def day(at: Any, region: Any = None) -> str:
    """The day of an instant in the zone of `region`."""
    return formats.moment(at, ZoneInfo(region.time_zone) if region else None)[:10]


@register.filter
def last_day(until: datetime, region: Any = None) -> str:
    """The last day of a span that ends at `until`, which is not part of it."""
    return day(until - timedelta(seconds=1), region)


@register.filter
def ago(at: datetime | None) -> str:
    """How long ago an instant was; empty for None."""
    return formats.duration((timezone.now() - at).total_seconds()) if at else ""


@register.filter
def shorten(text: str) -> str:
    """A long id for a narrow column: the style sheet leaves its middle out, since ids often begin alike.

    All of it stays in the page: for who copies it, hears it, points at it, or has the cards of a phone.
    """
    if len(text) <= LONG_ID:
        return text
    middle = slice(ID_BEGIN, -ID_END)
    parts = text, text[:ID_BEGIN], text[middle], text[-ID_END:]
    return format_html('<span class="nw-id" title="{}">{}<span>{}</span>{}</span>', *parts)


@register.filter
def blocks(text: str) -> str:
    """G0151x2;97110x1 as people write it: a quantity of one is not said, others follow a multiplication sign."""
    return ", ".join(_block(part) for part in text.split(";"))


@register.filter
def first_blocks(text: str) -> str:
    """The same for a narrow column: the first three, and how many more."""
    parts = text.split(";")
    rest = len(parts) - 3
    return blocks(text) if rest <= 1 else f"{blocks(';'.join(parts[:3]))} and {rest} more"


def _block(part: str) -> str:
    code, cross, quantity = part.rpartition("x")
    if not cross or not quantity.isdigit():
        return part
    return code if quantity == "1" else f"{code}\N{NO-BREAK SPACE}\N{MULTIPLICATION SIGN}\N{NO-BREAK SPACE}{quantity}"


@register.filter
def counted(number: int, noun: str) -> str:
    """3|counted:"run" → 3 runs; "entry,entries" where an s will not do."""
    one, _, many = noun.partition(",")
    return formats.count(number, one, many)


@register.filter
def lookup(mapping: Any, key: Any) -> Any:
    return mapping.get(key) if mapping else None


@register.simple_tag(takes_context=True)
def query(context: template.Context, **changes: Any) -> str:
    """The page's own query string with changes; an empty value takes the parameter out."""
    parameters: QueryDict = context["request"].GET.copy()
    for name, value in changes.items():
        if value in ("", None):
            parameters.pop(name, None)
        else:
            parameters[name] = str(value)
    return "?" + parameters.urlencode()


@register.simple_tag(takes_context=True)
def query_without(context: template.Context, name: str) -> str:
    """The page's own query string without one filter, from the first page on."""
    return query(context, **{name: "", "p": ""})
