"""What the page of a run shows of a phone sync, and where the rows and changes behind its figures are."""

from typing import Any

from django import template
from django.db.models import Count
from django.urls import reverse
from django.utils.http import urlencode

from backoffice.runs.models import Run
from regions.jobs import SYNC_PHONES
from regions.models import PhoneRow, PhoneUpdate
from regions.sync import verdict
from regions.sync.models import Notice, UpdateState
from regions.sync.scope import PREVIEW, UNDO

register = template.Library()


@register.simple_tag
def links_of_sync(run: Run) -> dict[str, str]:
    """{outcome: address of its rows}."""
    rows = _list("regions_phonerow", run=run.pk)
    return {outcome: f"{rows}&outcome={outcome}" for outcome in verdict.OUTCOMES}


@register.simple_tag
def sync_of(run: Run) -> dict[str, Any]:
    """Of the whole chain."""
    updates = PhoneUpdate.objects.filter(run__chain=run.chain).order_by()
    states = dict(updates.values_list("state").annotate(n=Count("pk")))
    told = PhoneRow.objects.filter(run__chain=run.chain).exclude(notice=Notice.NONE).order_by("notice")
    mode, region = run.parameters.get("mode"), run.region.name if run.region else ""
    again = {"region": region, "rows": run.parameters.get("rows", ""), "mode": "write"}
    return {
        "preview": mode == PREVIEW,
        "undoes": run.parameters.get("run") if mode == UNDO else None,
        "undone_by": _undone_by(run) if mode == "write" else [],
        "unknown": states.get(UpdateState.UNKNOWN, 0),
        "written": mode == "write" and states.get(UpdateState.WRITTEN, 0) + states.get(UpdateState.UNKNOWN, 0),
        "notices": list(told.values_list("notice").annotate(n=Count("pk"))),
        "rows": _list("regions_phonerow", run=run.pk),
        "changes": _list("regions_phoneupdate", run=run.pk),
        "write": f"{reverse('admin:start_sync_phones')}?{urlencode(again)}",
    }


def _undone_by(run: Run) -> list[int]:
    """The undos of any attempt of the run, one for each of their own chains, newest first."""
    attempts = list(Run.objects.filter(chain=run.chain).values_list("pk", flat=True))
    undos = Run.objects.filter(job=SYNC_PHONES.name, region=run.region, parameters__mode=UNDO, attempt=1)
    return [undo.pk for undo in undos if undo.parameters.get("run") in attempts]


def _list(model: str, **query: Any) -> str:
    return f"{reverse(f'admin:{model}_changelist')}?{urlencode(query)}"
