"""What may be wrong with the clinic's jobs, for backoffice.runs.alerts: a silence, a call in doubt, a cap."""

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Count, F, Max
from django.utils import timezone

from backoffice.formats import count, duration, moment
from backoffice.runs.alerts import Wrong
from backoffice.runs.models import Run, RunStatus
from backoffice.runs.registry import JOBS, job_named
from clinic.care.eligibility.spend import month_of
from clinic.care.models import CommandState, EligibilityReport, EligibilitySpend
from clinic.care.schedule.backups import last_backup
from clinic.care.schedule.registry import BACKUP
from clinic.care.schedule.standing import expect, standings
from regions.models import Region

DAY, WEEK = timedelta(days=1), timedelta(days=7)
# What was complete on fewer of seven days is no habit.
WORKING_DAYS = 5
# How much later than a week ago a job may be complete; and what is complete so soon after its last time is that time's.
LATE, EARLY = timedelta(hours=2), timedelta(hours=22)
# Parameters of a run that somebody starts over a part.
PARTIAL = ("only", "rows", "run")


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
    """A nightly job of a region that was complete a week ago at this time, as on most days since, and is not today,
    whoever starts it; after a week it counts as given up. A run over some rows alone speaks for none."""
    now = timezone.now()
    complete = (
        Run.objects.filter(
            status=RunStatus.COMPLETE, exclusive=True, region__paused=False, ended_at__gte=now - 2 * WEEK,
            job__in=[name for name in JOBS if job_named(name).nightly],
        )
        .exclude(parameters__has_any_keys=PARTIAL)
        .order_by()
    )  # fmt: skip
    for job, region_id, last in complete.values_list("job", "region").annotate(last=Max("ended_at")):
        if not last + DAY < now < last + WEEK:
            continue
        region = Region.objects.get(pk=region_id)
        ended = complete.filter(job=job, region=region_id, ended_at__gt=last - WEEK)
        times = [at for at in ended.values_list("ended_at", flat=True) if at]
        week_ago = any(last + EARLY < at + WEEK <= now - LATE for at in times)
        days = len({at.astimezone(region.zone).date() for at in times})
        if week_ago and days >= WORKING_DAYS:
            yield Wrong(
                kind="silence",
                key=f"{job}/{region.name}",
                message=f"{job_named(job).title} for {region.display_name} was complete on {days} days of seven and has"
                f" not been since {moment(last, region.zone)}: see whether it was started, and what stopped it.",
                region=region,
            )


def old_backup() -> Iterator[Wrong]:
    """None was made for BACKUP_HOURS, or since it was first looked for."""
    CommandState.objects.get_or_create(command=BACKUP, region=None)
    backup = last_backup()
    if backup.old:
        made = f"The last back-up was made {moment(backup.last)}." if backup.last else "No back-up has been made yet."
        failed = f" The last try ended with status {backup.status}." if backup.status else ""
        yield Wrong(
            kind="silence",
            key=BACKUP,
            message=f"{made}{failed} docs/operations.md says how to make one; BACKUP_HOURS=0 where another program"
            " makes them.",
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
