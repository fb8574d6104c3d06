"""Accumulators of a region that somebody else than its nights has changed: between two nights, or since the last one.

What a night began with is compared with what the night before it left, member by member, from the before images; the
last night's with what stands now.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Case, F, Min, OuterRef, Q, QuerySet, Subquery, Value, When

from claims.ledger import Balance, balance, met_of
from claims.models import BeforeImage, Night
from claims.pipeline import accumulators
from claims.pipeline.accumulators import Key
from claims.pipeline.numbers import NIGHT, span

BATCH = 5_000


@dataclass(frozen=True, kw_only=True, slots=True)
class MemberClash:
    """`left` by the night `after`, `found` by this night; with `now`, left by this night and found standing now."""

    member: str
    year: int
    after: date
    now: bool
    left: Balance
    found: Balance


def clashes(night: Night) -> Iterator[MemberClash]:
    """Of the night's members, by member and year; after the region's latest night those that came since as well."""
    yield from _before(night)
    if not Night.objects.filter(region=night.region_id, run_date__gt=night.run_date).exists():
        yield from _since(night)


def _before(night: Night) -> Iterator[MemberClash]:
    """Where the night's first image of a member's year begins with something else than the last one before it left."""
    begin, end = span(night.pk)
    own = BeforeImage.objects.filter(id__gte=begin, id__lt=end)
    firsts = own.order_by().values("member_id", "benefit_year").annotate(first=Min("id")).values("first")
    earlier = _earlier(night)
    if not earlier:
        return
    previous = _images_of(earlier).filter(member_id=OuterRef("member_id"), benefit_year=OuterRef("benefit_year"))
    previous = previous.order_by(_date_of(earlier).desc(), "-id")
    rows: QuerySet[BeforeImage, Any] = (
        BeforeImage.objects.filter(id__in=firsts)
        .annotate(left=Subquery(previous.values("after")[:1]), left_by=Subquery(previous.values("id")[:1]))
        .filter(left__isnull=False)
        .filter(Q(before__isnull=True) | ~Q(before=F("left")))
        .order_by("member_id", "benefit_year")
        .values_list("member_id", "benefit_year", "left", "left_by", "before")
    )
    for member, year, left, left_by, before in rows.iterator(chunk_size=BATCH):
        if met_of(left) != met_of(before):  # not only spelled otherwise
            yield MemberClash(
                member=member, year=year, after=earlier[left_by // NIGHT], now=False, left=balance(met_of(left)),
                found=balance(met_of(before)),
            )  # fmt: skip


def _earlier(night: Night) -> dict[int, date]:
    nights = Night.objects.filter(region=night.region_id, run_date__lt=night.run_date)
    return dict(nights.values_list("pk", "run_date"))


def _date_of(nights: dict[int, date]) -> Case:
    """The date of an image's night: its number says when the night was first begun."""
    spans = ((*span(pk), run_date) for pk, run_date in nights.items())
    return Case(*(When(id__gte=begin, id__lt=end, then=Value(run_date)) for begin, end, run_date in spans))


def _images_of(nights: dict[int, date]) -> QuerySet[BeforeImage]:
    where = Q()
    for pk in nights:
        begin, end = span(pk)
        where |= Q(id__gte=begin, id__lt=end)
    return BeforeImage.objects.filter(where)


def _since(night: Night) -> Iterator[MemberClash]:
    """Where what stands is not what the night's last image of a member's year left."""
    begin, end = span(night.pk)
    images = BeforeImage.objects.filter(id__gte=begin, id__lt=end).order_by("id")
    last: dict[Key, str] = {}
    for member, year, after in images.values_list("member_id", "benefit_year", "after").iterator(chunk_size=BATCH):
        if len(last) >= BATCH and next(reversed(last))[0] != member:  # images come member by member
            yield from _standing_otherwise(night, last)
            last = {}
        last[member, year] = after
    yield from _standing_otherwise(night, last)


def _standing_otherwise(night: Night, last: dict[Key, str]) -> Iterator[MemberClash]:
    standing = accumulators.stored(night.region_id, {member for member, _ in last})
    for key, left in last.items():
        if standing.get(key) != left and met_of(standing.get(key)) != met_of(left):
            yield MemberClash(
                member=key[0], year=key[1], after=night.run_date, now=True, left=balance(met_of(left)),
                found=balance(met_of(standing.get(key))),
            )  # fmt: skip
