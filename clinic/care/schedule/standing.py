"""How each command of the schedule stands, by region."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from clinic.care.models import CommandState
from clinic.care.schedule.registry import Scheduled, schedule
from regions.models import Region


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """A command that is expected for a region. `last`: when it last ended well; `status`: of its last end."""

    entry: Scheduled
    region: Region
    since: datetime
    last: datetime | None
    failed: datetime | None
    status: int | None

    @property
    def due(self) -> datetime:
        """When cron is to start it next; past where it has not."""
        return (self.last or self.since) + self.entry.every

    @property
    def silent(self) -> bool:
        return timezone.now() > self.due + self.entry.grace


def standings(regions: Iterable[int] | None = None) -> Iterator[Standing]:
    """Those of these regions, of all where it is None. A command that ran without --region ran for each."""
    rows = {(row.command, row.region_id): row for row in CommandState.objects.all()}
    for entry in schedule().values():
        proof = entry.proof() if entry.proof else None
        expected = entry.regions().order_by("name")
        for region in expected if regions is None else expected.filter(pk__in=list(regions)):
            yield _standing(entry, region, rows.get((entry.command, region.pk)), rows.get((entry.command, None)), proof)


def _standing(
    entry: Scheduled, region: Region, own: CommandState | None, common: CommandState | None, proof: datetime | None
) -> Standing:
    known = [row for row in (own, common) if row is not None]
    newest = max(known, key=lambda row: row.began_at or row.since, default=None)
    return Standing(
        entry=entry,
        region=region,
        since=own.since if own else timezone.now(),
        last=max([at for at in (*(row.ended_at for row in known), proof) if at], default=None),
        failed=max([row.failed_at for row in known if row.failed_at], default=None),
        status=newest.status if newest else None,
    )


def expect() -> None:
    """From now on a silence is counted for what was not expected before: a region that is new owes nothing yet."""
    known = set(CommandState.objects.values_list("command", "region"))
    fresh = [
        CommandState(command=entry.command, region=region)
        for entry in schedule().values()
        for region in entry.regions()
        if (entry.command, region.pk) not in known
    ]
    CommandState.objects.bulk_create(fresh, ignore_conflicts=True)
