"""Reports are copies: they are deleted when nobody is to need them any more."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from clinic.reports.models import Report
from regions.models import Region

BATCH = 100


def forget_reports(region: Region) -> int:
    """Delete those older than REPORTS_KEPT_DAYS; how many. Safe to run twice."""
    over = Report.objects.filter(
        region=region, created_at__lt=timezone.now() - timedelta(days=settings.REPORTS_KEPT_DAYS)
    )
    number = 0
    while rows := list(over.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        Report.objects.filter(pk__in=rows).delete()
        number += len(rows)
    return number
