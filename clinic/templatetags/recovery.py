"""What the page of a run shows of a recovery: its windows, and where the rows behind each counter are."""

from typing import Any

from django import template
from django.db.models import QuerySet
from django.urls import reverse

from backoffice.runs.models import Run
from clinic.models import MissingService, MissingServiceStatus, RecoveryWindow

register = template.Library()

WINDOWS_SHOWN = 400


@register.simple_tag
def windows_of(run: Run) -> QuerySet[RecoveryWindow]:
    """The last windows of the chain, as many as a page can show."""
    newest = RecoveryWindow.objects.filter(chain=run.chain).order_by("-number")[:WINDOWS_SHOWN]
    return RecoveryWindow.objects.filter(pk__in=[window.pk for window in newest])


@register.simple_tag
def rows_behind(run: Run) -> dict[str, str]:
    """{outcome: address of its rows}; outcomes that leave no row of their own have none."""
    writes = reverse("admin:clinic_servicewrite_changelist")
    worklist = reverse("admin:clinic_missingservice_changelist")
    region = run.region.name if run.region else ""
    failures = reverse("admin:runs_failure_changelist")
    return {
        "recovered": f"{writes}?run={run.pk}&outcome=recovered",
        "partially_recovered": f"{writes}?run={run.pk}&outcome=partially_recovered",
        "failed": f"{failures}?run={run.pk}",
        "dismissed": f"{worklist}?status={MissingServiceStatus.DISMISSED}&region={region}",
    }


@register.simple_tag
def rows_of_run(run: Run) -> dict[str, Any]:
    """How many worklist rows the run was the last to touch, and where they are."""
    return {
        "n": MissingService.objects.filter(run__chain=run.chain).count(),
        "href": f"{reverse('admin:clinic_missingservice_changelist')}?status=all&run={run.pk}",
    }
