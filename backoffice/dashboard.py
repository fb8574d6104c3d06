"""The first page: dollars recovered and at stake, the last runs, the queues, and what is wrong now."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from backoffice.access import AnyUser, may, region_ids, scoped
from backoffice.monitor.queues import queues
from backoffice.runs.admin.runs import run_rows
from backoffice.runs.models import Alert, Run, StepPart
from billing.admin.waiting import waiting_of
from clinic.admin.reasons import joined
from clinic.admin.stakes import Reason, stakes
from clinic.jobs import RECOVER_SERVICES
from clinic.models import ServiceWrite, WriteState
from regions.models import Region

REASONS_SHOWN = 8


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """The context of admin/index.html; everything of the user's regions only."""
    user = request.user
    if not may(user, "see"):
        return {**context, "may_see": False}
    regions = list(scoped(Region.objects.all(), user, ""))
    runs = scoped(Run.objects.select_related("region", "started_by"), user)
    at_stake = stakes(regions)
    return {
        **context,
        "may_see": True,
        "may_start": may(user, RECOVER_SERVICES.start_verb),
        "may_queues": may(user, "queues"),
        "regions": regions,
        "recovered": recovered(runs),
        "at_stake": at_stake,
        "collected": sorted({region.collection_percent for region in regions}),
        "reasons": at_stake.reasons[:REASONS_SHOWN],
        "more_reasons": others(at_stake.reasons[REASONS_SHOWN:]),
        "billing": waiting_of(regions),
        "unknown_writes": scoped(ServiceWrite.objects.filter(state=WriteState.UNKNOWN), user).count(),
        "rows": run_rows(list(runs[:8])),
        "alerts": alerts_of(user),
        "queues": queues(),
    }


def others(reasons: Sequence[Reason]) -> dict[str, Any] | None:
    """The reasons that the page has no room for, in one line."""
    if not reasons:
        return None
    return {
        "kinds": len(reasons),
        "faults": joined(each.reasons for each in reasons),
        "rows": sum(each.rows for each in reasons),
        "unknown": sum(each.unknown for each in reasons),
        "gross": sum((each.gross for each in reasons), Decimal(0)),
    }


def recovered(runs: Any) -> dict[str, Any]:
    """Dollars and services that were written: by the last recovery that wrote, and by all of the last 30 days.

    A run that ended before it had read anything recovered nothing and is none of them.
    """
    since = timezone.now() - timedelta(days=30)
    ours = runs.filter(job=RECOVER_SERVICES.name)
    writing = [run for run in ours.filter(created_at__gte=since) if run.parameters.get("mode") != "preview"]
    sums: dict[Any, tuple[Decimal, int]] = {}
    parts = StepPart.objects.filter(step__chain__in={run.chain for run in writing}, read__gt=0)
    for chain, totals in parts.values_list("step__chain", "totals"):
        value, services = sums.get(chain, (Decimal(0), 0))
        sums[chain] = (value + Decimal(totals.get("value", 0)), services + int(totals.get("services", 0)))
    last = next((run for run in writing if run.chain in sums), None)
    return {
        "last": last,
        "last_value": sums[last.chain][0] if last else None,
        "last_services": sums[last.chain][1] if last else 0,
        "month_value": sum((value for value, _ in sums.values()), Decimal(0)),
        "month_services": sum(services for _, services in sums.values()),
        "month_runs": len(sums),
    }


def alerts_of(user: AnyUser) -> Any:
    """Standing alerts of the user's regions, and those of the whole installation."""
    standing = Alert.objects.standing().select_related("region", "run")
    if may(user, "accounts"):
        return standing[:20]
    return standing.filter(Q(region=None) | Q(region__in=region_ids(user)))[:20]
