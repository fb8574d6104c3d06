"""What the page of a run shows of a recovery: its windows, and where the rows behind each counter are."""

from typing import Any

from django import template
from django.db.models import QuerySet
from django.urls import reverse

from backoffice.runs.models import Failure, Run
from clinic.models import MissingService, MissingServiceStatus, RecoveryWindow, ServiceWrite
from clinic.recovery.scope import PREVIEW
from clinic.recovery.verdict import RECOVERED

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
    """How many worklist rows the run was the last to touch, and where they are; `already`: see _already_there."""
    return {
        "already": _already_there(run) if run.parameters.get("mode") == PREVIEW and not run.live else 0,
        "n": MissingService.objects.filter(run__chain=run.chain).count(),
        "href": f"{reverse('admin:clinic_missingservice_changelist')}?status=all&run={run.pk}",
    }


def _already_there(run: Run) -> int:
    """Rows of what a preview found missing that it left as they were: a writing run or a person had put them there."""
    failed = Failure.objects.filter(run__chain=run.chain).values("reference")
    whole = ServiceWrite.objects.filter(run__chain=run.chain, outcome=RECOVERED).values("appointment_id")
    rows = MissingService.objects.filter(region=run.region_id).exclude(run__chain=run.chain)
    # What is short of something else stands among the failures; what is not, only among the writes.
    return sum(rows.filter(appointment_id__in=found).count() for found in (failed, whole))
