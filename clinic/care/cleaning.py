"""What nobody needs any more: expired holds, sent events, texts of messages from outside that are settled, finished
items of runs, answers kept for a repeated request, videos of which nothing more has come, and reports (copies).

Never another row of a patient, and never one with money: holds are ended, not deleted, and a failure with money at
stake or that is still open stays.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from backoffice.runs.models import LIVE, Failure, Resolution
from clinic.booking.desk import expire_holds
from clinic.booking.models import KeptAnswer
from clinic.care.models import StateCheck
from clinic.events.retention import forget_events, forget_messages
from clinic.reports.keeping import forget_reports
from clinic.uploads.files import sweep
from clinic.uploads.keeping import forget_unfinished
from regions.models import Region

BATCH = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Cleaned:
    """How many of each; `events`, `messages` and `files` are of all regions, and only counted where all are cleaned.

    `files`: of videos, which no row names.
    """

    holds: int = 0
    events: int = 0
    messages: int = 0
    run_items: int = 0
    state_checks: int = 0
    answers: int = 0
    videos: int = 0
    reports: int = 0
    files: int = 0

    def as_counts(self) -> Iterator[tuple[str, int]]:
        yield from asdict(self).items()


def clean_region(region: Region) -> Cleaned:
    """Safe to repeat and to run twice at once: each deletes what the other has left."""
    now = timezone.now()
    items_before = now - timedelta(days=settings.RUN_ITEMS_KEPT_DAYS)
    return Cleaned(
        holds=expire_holds(region),
        run_items=_delete(finished_items(region).filter(run__ended_at__lt=items_before)),
        state_checks=_delete(StateCheck.objects.filter(region=region, checked_at__lt=items_before)),
        videos=forget_unfinished(region),
        reports=forget_reports(region),
    )


def clean_all() -> Cleaned:
    """What belongs to no region, or to several."""
    now = timezone.now()
    answers_before = now - timedelta(hours=settings.ANSWERS_KEPT_HOURS)
    # The texts first: an event is kept while that of its message is.
    messages = forget_messages(now - timedelta(days=settings.INBOUND_KEPT_DAYS))
    return Cleaned(
        messages=messages,
        events=forget_events(now - timedelta(days=settings.EVENTS_KEPT_DAYS)),
        answers=_delete(KeptAnswer.objects.filter(created_at__lt=answers_before)),
        files=sweep(),
    )


def finished_items(region: Region) -> QuerySet[Failure]:
    """What failed in runs that have ended, was decided, and has no money at stake."""
    settled = Failure.objects.filter(run__region=region, money_at_stake=None).exclude(run__status__in=LIVE)
    return settled.exclude(resolution=Resolution.OPEN)


def _delete(rows: QuerySet[Failure] | QuerySet[StateCheck] | QuerySet[KeptAnswer]) -> int:
    done = 0
    while numbers := list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        rows.model._default_manager.filter(pk__in=numbers).delete()
        done += len(numbers)
    return done
