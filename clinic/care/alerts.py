"""What may be wrong with the clinic's jobs, for backoffice.runs.alerts: a silence, a call in doubt, a cap."""

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Count, F, Max
from django.db.models.functions import TruncDate
from django.utils import timezone

from backoffice.formats import count, duration, moment
from backoffice.runs.alerts import Wrong
from backoffice.runs.models import Run, RunStatus
from backoffice.runs.registry import JOBS, job_named
from clinic.care.eligibility.spend import month_of
from clinic.care.models import EligibilityReport, EligibilitySpend
from clinic.care.schedule.backups import BACKUP, last_backup
from clinic.care.schedule.registry import schedule
from clinic.care.schedule.standing import expect, standings
from regions.models import Region

DAY = timedelta(days=1)
# A job that was complete on so many of seven days is one of every day, not of working days.
DAILY = 6
LATE, FORGOTTEN = timedelta(hours=26), 4 * DAY


def silent_commands() -> Iterator[Wrong]:
    """A command that did not run when it should have; asked for by the web process as well, which needs no cron."""
    expect()
    for each in standings():
        if each.silent:
            since = f"since {moment(each.last, each.region.zone)}" if each.last else "yet"
            failed = f" Its last exit status was {each.status}." if each.status else ""
            yield Wrong(
                kind="silence",
                key=f"{each.entry.command}/{each.region.name}",
                message=f"{each.entry.command} for {each.region.display_name} has not run {since}, and is due every"
                f" {duration(each.entry.every.total_seconds())}: see whether cron runs.{failed}",
                region=each.region,
            )


def silent_jobs() -> Iterator[Wrong]:
    """A region's job that was complete day after day, whoever started it, and has not been for 26 hours; after four
    days it counts as given up. Those of the schedule have an alarm of their own."""
    now = timezone.now()
    complete = Run.objects.filter(
        status=RunStatus.COMPLETE, exclusive=True, region__paused=False, ended_at__gte=now - FORGOTTEN - 7 * DAY,
        job__in=set(JOBS) - set(schedule()),
    ).order_by()  # fmt: skip
    last = complete.values_list("job", "region").annotate(last=Max("ended_at"))
    for job, region_id, ended in last.filter(last__lt=now - LATE, last__gte=now - FORGOTTEN):
        lately = complete.filter(job=job, region=region_id, ended_at__gt=ended - 7 * DAY)
        days = lately.aggregate(days=Count(TruncDate("ended_at"), distinct=True))["days"]
        if days >= DAILY:
            region = Region.objects.get(pk=region_id)
            yield Wrong(
                kind="silence",
                key=f"{job}/{region.name}",
                message=f"{job_named(job).title} for {region.display_name} was complete on {days} days of seven and has"
                f" not been since {moment(ended, region.zone)}: see whether it was started, and what stopped it.",
                region=region,
            )


def old_backup() -> Iterator[Wrong]:
    """None was made for BACKUP_HOURS, or since the installation was set up."""
    backup = last_backup()
    if backup.old:
        made = f"The last back-up was made {moment(backup.last)}." if backup.last else "No back-up has been made yet."
        failed = f" The last try ended with status {backup.status}." if backup.status else ""
        yield Wrong(
            kind="silence",
            key=BACKUP,
            message=f"{made}{failed} Run manage.py backup FOLDER, by cron each night; BACKUP_HOURS=0 where another"
            " program makes them.",
        )


def undecided_reports() -> Iterator[Wrong]:
    """Calls of which nobody knows whether they were made: a person decides whether they are made again."""
    unknown = EligibilityReport.objects.filter(state=EligibilityReport.State.UNKNOWN).order_by()
    counts = list(unknown.values_list("region").annotate(number=Count("pk")))
    regions = Region.objects.in_bulk([region for region, _ in counts])
    for pk, number in counts:
        yield Wrong(
            kind="eligibility",
            key=f"unknown/{regions[pk].name}",
            message=f"{count(number, 'eligibility report')} of {regions[pk].display_name} had no answer from pVerify"
            " and may have been billed. The page Eligibility reports asks again.",
            region=regions[pk],
        )


def spent_caps() -> Iterator[Wrong]:
    """A region that may make no further call this month."""
    for spend in EligibilitySpend.objects.filter(calls__gte=F("cap")).select_related("region"):
        if spend.month == month_of(spend.region):
            yield Wrong(
                kind="eligibility",
                key=f"cap/{spend.region.name}",
                message=f"{spend.region.display_name} has made the {count(spend.cap, 'call')} to pVerify that it may"
                " make this month. The page Eligibility spending has the cap.",
                region=spend.region,
            )
