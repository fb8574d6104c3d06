"""How the installation's back-up stands. Its own cron starts it, which alone knows the folder."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Min
from django.utils import timezone

from clinic.care.models import CommandState

BACKUP = "backup"


@dataclass(frozen=True, kw_only=True, slots=True)
class Backup:
    """When one was made last, and the exit status of the last try; `since`: when the installation was set up."""

    last: datetime | None
    status: int | None
    since: datetime | None

    @property
    def old(self) -> bool:
        """Whether it is over BACKUP_HOURS; never where that is 0, since back-ups are made by something else."""
        since, longest = self.last or self.since, timedelta(hours=settings.BACKUP_HOURS)
        return bool(longest) and since is not None and timezone.now() - since > longest


def last_backup() -> Backup:
    row = CommandState.objects.filter(command=BACKUP, region=None).first() or CommandState()
    since = MigrationRecorder(connection).migration_qs.aggregate(first=Min("applied"))["first"]
    return Backup(last=row.ended_at, status=row.status, since=since)
