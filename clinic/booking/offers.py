"""What the desk sees of offers. Whether a patient was told is asked: the notifications stand above the booking."""

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet

from backoffice.above import Above

Told = Callable[[QuerySet[Any]], QuerySet[Any]]
# Each annotates entries with `told`, a word.
TELLING: Above[Told] = Above()


def with_told(entries: QuerySet[Any]) -> QuerySet[Any]:
    for told in TELLING:
        entries = told(entries)
    return entries
