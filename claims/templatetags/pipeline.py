"""Filters of the pages of claims."""

from datetime import datetime
from typing import Any

from django import template

from claims import advice_words

register = template.Library()


@register.filter
def clock(at: datetime, region: Any) -> str:
    """The time of day in the region's zone: 03:12."""
    return f"{at.astimezone(region.zone):%H:%M}"


@register.filter
def seconds(value: float) -> str:
    """12 ms, 3.4 s, 6 min 0 s."""
    return advice_words.seconds(value)


@register.filter
def css(percent: float) -> str:
    """A number as a style sheet reads it, in any language of the page."""
    return f"{percent:.2f}"
