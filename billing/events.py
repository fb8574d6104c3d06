"""What is said of claims is appended here, and their state made of it: nothing else moves a claim."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

from django.db import transaction

from billing.bulk import insert_new
from billing.models import ClaimEvent
from billing.restating import locked, restate

AT_ONCE = 500
Item = TypeVar("Item")


def record(events: Iterable[ClaimEvent]) -> int:
    """Append what is not there yet and move the claims: how many claims of theirs stand otherwise than before.

    Inside the caller's transaction. The claims are locked in the order of their ids, so that two that say something of
    the same claims wait for each other and the last of them sees every event.
    """
    moved = 0
    for some in in_portions(events):
        ids = sorted({event.claim_id for event in some})
        with transaction.atomic():
            before = locked(ids)
            moved += restate(before, some)
            insert_new(some)
    return moved


def in_portions(items: Iterable[Item], size: int = AT_ONCE) -> Iterator[list[Item]]:
    """The items in lists of `size`, each made when it is asked for."""
    left = iter(items)
    while some := list(islice(left, size)):
        yield some
