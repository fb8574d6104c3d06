"""The night shift's work: queues, runs, cron's commands, the night before its deadline.

A job's label is job_name: `job` is Prometheus's own, the name of what it scrapes.
"""

from collections import Counter
from collections.abc import Iterator

from django.db.models import Count, Min
from django.utils import timezone
from prometheus_client.metrics_core import Metric

from backoffice.monitor.families import age, gauge
from backoffice.monitor.queues import all_queues
from backoffice.runs.alerts import failed_runs
from backoffice.runs.models import LIVE, Alert, Run, RunStatus
from claims.alerts import nights_to_watch, regions_with_nights
from claims.forecast import forecast
from clinic.care.schedule.standing import standings


def queues() -> Iterator[Metric]:
    rows, label = all_queues(), ("queue",)
    yield gauge("queue_depth", "Jobs that wait.", label, [((row.name,), row.waiting) for row in rows])
    yield gauge(
        "queue_wait_seconds", "How long the oldest job has waited.", label,
        [((row.name,), row.waited or 0) for row in rows],
    )  # fmt: skip
    yield gauge("queue_workers", "Workers that serve it.", label, [((row.name,), row.workers) for row in rows])


def runs() -> Iterator[Metric]:
    """Live runs, how long one has not been begun, and last runs that did not end well."""
    live = Run.objects.filter(status__in=LIVE).order_by()
    counts = live.values_list("job", "region__name", "status").annotate(number=Count("pk"))
    rows = [((job, region or "", status), number) for job, region, status, number in counts]
    yield gauge("runs_live", "Runs that are queued, running or stopping.", ("job_name", "region", "status"), rows)
    waiting = live.filter(status=RunStatus.QUEUED, attended=False).values_list("job").annotate(first=Min("created_at"))
    yield gauge(
        "run_queued_seconds", "How long the oldest run has waited to be begun.", ("job_name",),
        [((job,), age(first)) for job, first in waiting],
    )  # fmt: skip
    failed = Counter((each.run.job, each.region.name if each.region else "") for each in failed_runs() if each.run)
    yield gauge(
        "runs_failed", "Jobs and keys whose last run failed, was lost or was ended by SIGTERM.", ("job_name", "region"),
        failed.items(),
    )  # fmt: skip


def commands() -> Iterator[Metric]:
    """Cron's commands: how late, and whether that is a silence."""
    each_of = list(standings())
    label, now = ("command", "region"), timezone.now()
    yield gauge(
        "command_overdue_seconds", "Since when a command of the schedule is due; 0: not yet.", label,
        [((each.entry.command, each.region.name), max((now - each.due).total_seconds(), 0)) for each in each_of],
    )  # fmt: skip
    yield gauge(
        "command_silent", "1 where it is later than its grace allows.", label,
        [((each.entry.command, each.region.name), each.silent) for each in each_of],
    )  # fmt: skip


def nights() -> Iterator[Metric]:
    """Seconds from the forecast end to the deadline, of nights that are at work or due; the tightest of a region."""
    now = timezone.now()
    slack: dict[str, float] = {}
    for region in regions_with_nights():
        for run_date in nights_to_watch(region, now):
            night = forecast(region, run_date, now)
            if night.lines and not night.complete:
                slack[region.name] = min(slack.get(region.name, night.slack), night.slack)
    rows = [((name,), seconds) for name, seconds in slack.items()]
    yield gauge("pipeline_slack_seconds", "From the forecast end to the deadline; below 0: late.", ("region",), rows)


def alerts() -> Iterator[Metric]:
    """What stands on the dashboard."""
    counts = Alert.objects.standing().order_by().values_list("kind", "region__name").annotate(number=Count("pk"))
    rows = [((kind, region or ""), number) for kind, region, number in counts]
    yield gauge("alerts", "Alerts that stand.", ("kind", "region"), rows)
