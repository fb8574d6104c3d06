"""What asking costs: each call is taken from the region's month before it is made.

One UPDATE that names its condition decides, so that no number of workers spends more than the cap between them.
"""

from collections.abc import Iterable
from datetime import date, timedelta

from django.conf import settings
from django.db.models import F

from backoffice.formats import today_in
from clinic.care.models import EligibilitySpend
from regions.connections import MissingConnection, UnreadableConnection, eligibility_values
from regions.models import Region


def month_of(region: Region) -> date:
    """The first day of the month that it is there."""
    return today_in(region.zone).replace(day=1)


def begin_months(regions: Iterable[Region]) -> None:
    """The rows of this month and the next, so that a cap can be moved before the first call. What is there stays; a
    region without an account with pVerify, which asks nothing, has none."""
    months = [(region.pk, month) for region in regions if _has_account(region) for month in _two_months(region)]
    rows = EligibilitySpend.objects.filter(month__in={month for _, month in months})
    known = set(rows.values_list("region", "month"))
    if missing := [each for each in months if each not in known]:
        _begin(missing)


def _begin(months: Iterable[tuple[int, date]]) -> None:
    """By whoever comes first, at the cap that a month begins with."""
    cap = settings.ELIGIBILITY_CALLS_PER_MONTH
    rows = [EligibilitySpend(region_id=region, month=month, cap=cap) for region, month in months]
    EligibilitySpend.objects.bulk_create(rows, ignore_conflicts=True)


def _has_account(region: Region) -> bool:
    try:
        eligibility_values(region)
    except (MissingConnection, UnreadableConnection):
        return False
    return True


def _two_months(region: Region) -> tuple[date, date]:
    this = month_of(region)
    return this, (this + timedelta(days=31)).replace(day=1)


def reserve(region: Region, month: date) -> bool:
    """Take one call from the cap; False where none is left. What is taken is spent unless it is given back."""
    mine = EligibilitySpend.objects.filter(region=region, month=month)
    if not mine.exists():
        _begin([(region.pk, month)])
    return bool(mine.filter(calls__lt=F("cap")).update(calls=F("calls") + 1))


def give_back(region: Region, month: date) -> None:
    """The call was certainly not billed."""
    EligibilitySpend.objects.filter(region=region, month=month, calls__gt=0).update(calls=F("calls") - 1)
