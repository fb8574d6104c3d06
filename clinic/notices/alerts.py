"""What may be wrong with the notifications, for backoffice.runs.alerts."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from django.db.models import Count, QuerySet
from django.utils import timezone

from backoffice.formats import count
from backoffice.runs.alerts import Wrong
from clinic.notices.models import Notice, State
from regions.models import Region

LATE: Final = timedelta(minutes=15)
LATELY: Final = timedelta(hours=6)


def overdue() -> Iterator[Wrong]:
    """What is due and nobody has looked at: no send_notifications, or no worker."""
    rows = Notice.objects.filter(state=State.PLANNED, try_at__lt=timezone.now() - LATE)
    for region, number in _by_region(rows):
        yield Wrong(
            kind="notifications",
            key=region.name,
            message=f"{count(number, 'notification')} of {region.display_name} should have gone out 15 minutes ago."
            " See that send_notifications runs every minute, and that a worker serves the queue notifications.",
            region=region,
        )


def refused_accounts() -> Iterator[Wrong]:
    """A vendor refuses a region's account: nothing goes out until somebody changes a setting."""
    rows = Notice.objects.filter(reason="account", changed_at__gt=timezone.now() - LATELY)
    for region, number in _by_region(rows):
        yield Wrong(
            kind="notification_account",
            key=region.name,
            message=f"{count(number, 'notification')} of {region.display_name} were refused for its account at Twilio,"
            " FCM or the mail server. The page Notifications has the vendor's codes; correct the region's settings.",
            region=region,
        )


def _by_region(rows: QuerySet[Notice]) -> Iterator[tuple[Region, int]]:
    counts = dict(rows.order_by().values_list("region").annotate(number=Count("pk")))
    for region in Region.objects.filter(pk__in=counts):
        yield region, counts[region.pk]
