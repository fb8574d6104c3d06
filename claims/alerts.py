"""What may be wrong with a night, for backoffice.runs.alerts: it will miss its deadline, said before it does."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from backoffice.formats import moment
from backoffice.runs.alerts import Wrong
from backoffice.runs.models import Run, RunStatus
from claims.forecast import Forecast, forecast
from claims.forecast_words import slack_in_words
from claims.jobs import RUN_PIPELINE, pipeline_key
from claims.models import StagedBatch
from claims.window import run_date_at, window_of
from regions.models import Region

STATES = {"not begun": "has not begun", "failed": "has failed", "errored": "has failed", "abandoned": "was abandoned"}


def deadlines() -> Iterator[Wrong]:
    """Nights that end after 04:00 as things stand: in work, not begun, or ended early and too late to be resumed."""
    now = timezone.now()
    for region in regions_with_nights():
        for run_date in nights_to_watch(region, now):
            night = forecast(region, run_date, now)
            if night.lines and not night.complete and not night.in_time:
                yield Wrong(
                    kind="deadline", key=f"{region.name}/{run_date}", message=message(night), region=region,
                    run=night.run,
                )  # fmt: skip


def message(night: Forecast) -> str:
    state = STATES.get(night.status, f"is {night.status}")
    going_on = " even if it is resumed now" if night.run is not None and not night.run.live else ""
    if night.window.closes <= night.now:
        return f"{night.region.name}: the night of {night.run_date} {state} and has missed its deadline."
    ends = moment(night.ends, night.region.zone)
    return (
        f"{night.region.name}: the night of {night.run_date} {state} and will be done {ends}{going_on},"
        f" {slack_in_words(night.slack)}."
    )


def regions_with_nights() -> QuerySet[Region]:
    """Those that were ever given claims; nobody else has a night."""
    return Region.objects.filter(Exists(StagedBatch.objects.filter(region=OuterRef("pk")).order_by())).order_by("name")


def nights_to_watch(region: Region, now: datetime) -> set[date]:
    """The night whose window is open or next, if claims wait for it; the one before, if nobody has begun it; and one
    that was begun and is not complete."""
    found = set()
    tonight = run_date_at(now, region.zone)
    if StagedBatch.waiting_for(region, tonight).exists():
        found.add(tonight)
    before = tonight - timedelta(days=1)
    if _left_out(region, before, now):
        found.add(before)
    last = Run.objects.filter(job=RUN_PIPELINE.name, region=region).first()
    if last is not None and last.status != RunStatus.COMPLETE:
        run_date = date.fromisoformat(last.parameters["run_date"])
        if not window_of(run_date, region.zone).is_past(now):
            found.add(run_date)
    return found


def _left_out(region: Region, run_date: date, now: datetime) -> bool:
    """Whether claims were there for the night before its window closed, and wait still; until it is past."""
    window = window_of(run_date, region.zone)
    begun = Run.objects.filter(
        job=RUN_PIPELINE.name, key=pipeline_key(region, {"run_date": run_date.isoformat()})
    ).exists()
    waited = StagedBatch.waiting_for(region, run_date).filter(created_at__lt=window.closes)
    return not begun and not window.is_past(now) and waited.exists()
