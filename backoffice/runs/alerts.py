"""Alerts: what is wrong now, one row per (kind, key); raised once, sent once, cleared by itself when it is right again.

`check_alerts` runs every minute from cron and in the web process; two at once do the work of one.
"""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import structlog
from django.conf import settings
from django.core.mail import send_mail
from django.db import DatabaseError, IntegrityError, InterfaceError, connection, transaction
from django.db.models import Max, Q
from django.utils import timezone
from django.utils.module_loading import import_string

from backoffice.adapters.webhook import WebhookFailed, post_json
from backoffice.formats import words
from backoffice.runs.bell import require_queue
from backoffice.runs.faults import Misuse
from backoffice.runs.models import RESTARTABLE, TERMINATED, Alert, Run, RunStatus
from backoffice.runs.registry import JOBS, job_named

log = structlog.get_logger(__name__)

# The table of checks: each yields what is wrong now.
CHECKS = (
    "backoffice.runs.alerts.failed_runs",
    "backoffice.runs.alerts.queue_unreachable",
    "backoffice.operations.alerts.gone_processes",
    "backoffice.operations.alerts.long_pauses",
    "backoffice.monitor.priorities.failing",
    "claims.alerts.deadlines",
    "regions.alerts.failing_syncs",
    "billing.alerts.unanswered",
    "billing.alerts.other_totals",
    "billing.alerts.parked",
    "billing.alerts.unmatched",
    "billing.alerts.unreadable",
    "clinic.events.alerts.waiting_events",
    "clinic.events.alerts.dead_letters",
    "clinic.events.alerts.reviews_due",
    "clinic.notices.alerts.overdue",
    "clinic.notices.alerts.refused_accounts",
    "clinic.care.alerts.silent_commands",
    "clinic.care.alerts.silent_jobs",
    "clinic.care.alerts.old_backup",
    "clinic.care.alerts.undecided_reports",
    "clinic.care.alerts.spent_caps",
)
# The kind of alert that says that a check could not be made; meanwhile none is cleared.
BLIND = "alarm"
CLOCK_SECONDS = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Wrong:
    """One thing that is wrong; `message` is one line without data of a patient."""

    kind: str
    key: str
    message: str
    region: Any = None
    run: Run | None = None


def check_alerts() -> None:
    """Raise what is newly wrong, clear what is right again, send what was not sent.

    What another process raises while this one looks is not this one's to clear."""
    stood = list(Alert.objects.standing())
    wrong = {(each.kind, each.key): each for path in CHECKS for each in look(path)}
    blind = any(kind == BLIND for kind, _ in wrong)
    for alert in stood:
        if (alert.kind, alert.key) not in wrong and not (blind and alert.kind != BLIND):
            Alert.objects.filter(pk=alert.pk, cleared_at=None).update(cleared_at=timezone.now())
    standing = set(Alert.objects.standing().values_list("kind", "key"))
    for each in (each for key, each in wrong.items() if key not in standing):
        try:
            with transaction.atomic():
                Alert.objects.create(
                    kind=each.kind, key=each.key, message=each.message[:300], region=each.region, run=each.run
                )
        except IntegrityError:
            continue  # raised at the same moment by another process
    _tell()


def look(path: str) -> list[Wrong]:
    """What a check finds; where it fails itself, that, so that the others' alerts are raised all the same."""
    check: Callable[[], Iterator[Wrong]] = import_string(path)
    try:
        return list(check())
    except (DatabaseError, InterfaceError):  # nothing can be raised without it
        raise
    except Exception as error:
        log.warning("alert_check_failed", check=path, exc_info=error)
        name, what = path.rpartition(".")[2], type(error).__name__
        message = f"The alarm {words(name)} cannot look ({what}): what it would raise is not seen. See the log."
        return [Wrong(kind=BLIND, key=path, message=message)]


def as_before(kind: str) -> Iterator[Wrong]:
    """What stood of this kind, for a check that cannot ask: nobody can say that it is right again."""
    for alert in Alert.objects.standing().filter(kind=kind).select_related("region"):
        yield Wrong(kind=kind, key=alert.key, message=alert.message, region=alert.region)


def failed_runs() -> Iterator[Wrong]:
    """The last run of a job and key did not end well. A stop that somebody asked for is no alert; one by SIGTERM, such
    as at a time limit of the cluster's, is."""
    last = Run.objects.filter(exclusive=True).values("job", "key").annotate(last=Max("id")).values("last")
    ended_badly = [status for status in RESTARTABLE if status != RunStatus.STOPPED]
    broken_off = Q(status__in=ended_badly) | Q(status=RunStatus.STOPPED, reason=TERMINATED)
    for run in Run.objects.filter(broken_off, pk__in=last).select_related("region"):
        title = job_named(run.job).title if run.job in JOBS else words(run.job)  # of a release that was rolled back
        whose = run.region.display_name if run.region else run.key
        message = f"{title} for {whose}: run {run.pk} {run.status} ({words(run.reason)}). {run.detail}".strip()
        yield Wrong(kind="run", key=f"{run.job}/{run.key}", message=message, region=run.region, run=run)


def queue_unreachable() -> Iterator[Wrong]:
    """Nothing can be started while the queue does not answer."""
    try:
        require_queue()
    except Misuse as error:
        yield Wrong(kind="queue", key="queue", message=str(error))


def _mail(alert: Alert) -> None:
    send_mail(f"Nightward: {alert.kind} {alert.key}", alert.message, None, settings.ALERT_MAIL_TO)


def _post(alert: Alert) -> None:
    told = {"kind": alert.kind, "key": alert.key, "message": alert.message, "raised_at": alert.raised_at.isoformat()}
    post_json(settings.ALERT_WEBHOOK_URL, told)


# Each way is taken once, and again until it worked; one that does not work holds up no other.
WAYS: dict[str, tuple[str, Callable[[Alert], None]]] = {
    "mailed_at": ("ALERT_MAIL_TO", _mail),
    "posted_at": ("ALERT_WEBHOOK_URL", _post),
}


def _tell() -> None:
    for taken, (setting, tell) in WAYS.items():
        if getattr(settings, setting):
            for alert in Alert.objects.standing().filter(**{taken: None}):
                _tell_once(alert, taken, tell)


def _tell_once(alert: Alert, taken: str, tell: Callable[[Alert], None]) -> None:
    """Taken by compare-and-set, given back when it could not be told."""
    if not Alert.objects.filter(pk=alert.pk, **{taken: None}).update(**{taken: timezone.now()}):
        return
    try:
        tell(alert)
    except (OSError, WebhookFailed) as error:
        Alert.objects.filter(pk=alert.pk).update(**{taken: None})
        log.warning("alert_not_sent", alert=alert.pk, way=taken, error=type(error).__name__)


def start_clock(seconds: float = CLOCK_SECONDS) -> Callable[[], None]:
    """Check so often in a daemon thread of this process, until what is returned is called or the process ends."""
    over = threading.Event()
    thread = threading.Thread(target=_tick, args=(over, seconds), name="alerts", daemon=True)
    thread.start()

    def end() -> None:
        over.set()
        thread.join()

    return end


def _tick(over: threading.Event, seconds: float) -> None:
    """Whatever goes wrong with a check is logged: the next one is made all the same."""
    while not over.wait(seconds):
        try:
            check_alerts()
        except Exception as error:
            log.warning("alert_check_failed", error=type(error).__name__)
        finally:
            connection.close()
