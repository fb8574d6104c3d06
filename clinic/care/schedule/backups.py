"""How the installation's back-up stands."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from clinic.care.models import CommandState
from clinic.care.schedule.registry import BACKUP


@dataclass(frozen=True, kw_only=True, slots=True)
class Backup:
    """When one was made last, and the exit status of the last try; `since`: from when on it is expected."""

    last: datetime | None
    status: int | None
    since: datetime

    @property
    def old(self) -> bool:
        """Whether it is over BACKUP_HOURS; never where that is 0, since another program makes them."""
        longest = timedelta(hours=settings.BACKUP_HOURS)
        return bool(longest) and timezone.now() - (self.last or self.since) > longest


def last_backup() -> Backup:
    row = CommandState.objects.filter(command=BACKUP, region=None).first() or CommandState()
    return Backup(last=row.ended_at, status=row.status, since=row.since)
