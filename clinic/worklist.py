"""What people do with the worklist, the same from admin and API: dismiss, reopen, assign; and how it is grouped.

Each function takes rows (or one row) that the caller has scoped to the user's regions, says how many it changed, and
records every change, since the audit log does not see updates in bulk.
"""

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from auditlog.context import set_actor
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count, Q, QuerySet, Sum
from django.utils import timezone

from backoffice.audit import record_change
from backoffice.runs.faults import Misuse
from backoffice.runs.models import Failure, Resolution
from clinic.models import ACTIONABLE, MissingService, MissingServiceStatus
from clinic.money import dollars, in_cents
from clinic.urgency import priority_sql
from regions.models import Region

BATCH = 500
# Of so many service blocks, the most expensive ones, the groups say why; so many rows of each are asked.
BLOCKS_EXPLAINED, ROWS_ASKED = 50, 100
JOB = "recover_services"
Rows = QuerySet[MissingService] | MissingService


@dataclass(frozen=True, slots=True)
class Group:
    """Open rows that one master record holds up. `unknown` of them have no known money at stake.

    `faults`: why a service block cannot be billed.
    """

    blocked_by: str
    appointments: int
    at_stake: Decimal
    unknown: int
    faults: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What is to be mended, in words."""
        why = ", or ".join(_BLOCK_FAULTS.get(fault, fault) for fault in self.faults)
        return f"{title_of(self.blocked_by)}: {why}" if why else title_of(self.blocked_by)


_TITLES = {
    "cost_center": "No active cost center for department {}",
    "physician": "No responsible physician for department {}",
    "configuration": "No service configuration for appointment type {}",
    "block": "Service block {} cannot be billed",
}

_BLOCK_FAULTS = {
    "unknown_block": "the hospital has no such block",
    "retired_block": "it is retired",
    "block_not_valid_on_date": "it is not valid on the date of the visit",
    "case_type_not_allowed": "it is not allowed for the type of case",
    "BLOCK_REJECTED": "the hospital rejects it",
    "BLOCK_NOT_VALID": "the hospital says that it is not valid",
}


def title_of(blocked_by: str) -> str:
    """What is wrong with a master record, kind:id, in words."""
    kind, _, key = blocked_by.partition(":")
    return _TITLES.get(kind, "{}").format(key)


def dismiss(rows: Rows, user: User | None, reason: str, until: date | None = None) -> int:
    """Finance does not want these written, until the end of the day `until` or for good. Misuse without a reason."""
    reason = reason.strip()
    if not reason:
        raise Misuse("A dismissal needs a reason.")
    if len(reason) > 200:
        raise Misuse("The reason of a dismissal has at most 200 characters.")
    if until is not None and until < timezone.localdate():
        raise Misuse("A dismissal cannot end in the past.")
    changes = {
        "status": MissingServiceStatus.DISMISSED,
        "dismissed_reason": reason,
        "dismissed_until": until,
        "dismissed_by": user,
        "dismissed_at": timezone.now(),
    }
    open_rows = _query(rows).filter(status__in=ACTIONABLE)
    return _change(open_rows, user, changes, Resolution.OPEN, Resolution.DISMISSED)


def reopen(rows: Rows, user: User | None) -> int:
    """Take dismissals back. Closed rows stay closed: the next run opens what it finds missing."""
    changes = {
        "status": MissingServiceStatus.OPEN,
        "dismissed_reason": "",
        "dismissed_until": None,
        "dismissed_by": None,
        "dismissed_at": None,
    }
    dismissed = _query(rows).filter(status=MissingServiceStatus.DISMISSED)
    return _change(dismissed, user, changes, Resolution.DISMISSED, Resolution.OPEN)


def reopen_expired(region: Region) -> int:
    """Dismissals whose day is over in the region's zone: the rows count as missing again, read by a run or not."""
    today = datetime.now(ZoneInfo(region.time_zone)).date()
    return reopen(MissingService.objects.filter(region=region, dismissed_until__lt=today), None)


def assign(rows: Rows, user: User | None, assignee: User | None = None) -> int:
    """Make `assignee` responsible, or the user who says so."""
    return _change(_query(rows), user, {"assignee": assignee or user})


def renew_priorities(region: Region) -> None:
    """Priorities of today for all rows of the region that are to be done, in two statements."""
    today = datetime.now(ZoneInfo(region.time_zone)).date()
    rows = MissingService.objects.filter(region=region, status__in=ACTIONABLE)
    rows.filter(Q(filing_deadline__lt=today) | Q(at_stake=None)).exclude(priority=0).update(priority=0)
    rows.filter(filing_deadline__gte=today, at_stake__isnull=False).update(
        priority=priority_sql(today, region.filing_days)
    )


def groups(regions: Iterable[Region]) -> list[Group]:
    """Fix once, recover many: the open rows by the record that holds them up, the most money first.

    An appointment is in one group only, so that the groups' sums add up.
    """
    rows = (
        MissingService.objects.filter(region__in=regions, status__in=ACTIONABLE)
        .exclude(blocked_by="")
        .order_by()
        .values("blocked_by")
        .annotate(
            appointments=Count("id"), cents=Sum(in_cents("at_stake")), unknown=Count("id", filter=Q(at_stake=None))
        )
    )
    found = [Group(row["blocked_by"], row["appointments"], dollars(row["cents"]), row["unknown"]) for row in rows]
    found.sort(key=lambda group: (-group.at_stake, -group.appointments, group.blocked_by))
    blocks = [group.blocked_by for group in found if group.blocked_by.startswith("block:")][:BLOCKS_EXPLAINED]
    return [replace(group, faults=_faults(regions, group)) if group.blocked_by in blocks else group for group in found]


def total(groups: Iterable[Group]) -> Group:
    """What the groups come to. An appointment is in one of them only, whatever else holds it up as well."""
    rows = list(groups)
    money = sum((group.at_stake for group in rows), Decimal(0))
    return Group("", sum(group.appointments for group in rows), money, sum(group.unknown for group in rows))


def _faults(regions: Iterable[Region], group: Group) -> tuple[str, ...]:
    """Why the block cannot be billed, as its first rows say; the index leads to them, however many there are."""
    rows = MissingService.objects.filter(
        region__in=regions, blocked_by=group.blocked_by, status__in=ACTIONABLE
    ).values_list("reasons", flat=True)
    block = group.blocked_by.removeprefix("block:")
    said = {part.rpartition(":") for reasons in rows.order_by()[:ROWS_ASKED] for part in reasons.split(";")}
    return tuple(sorted({fault for code, _, fault in said if code == block}))


def _change(
    rows: QuerySet[MissingService],
    user: User | None,
    changes: dict[str, Any],
    before: Resolution | None = None,
    after: Resolution | None = None,
) -> int:
    """Apply `changes`, record them, move the same appointments' failures from `before` to `after`: all or none."""
    changed = 0
    with transaction.atomic():
        ids = list(rows.order_by("pk").values_list("pk", flat=True))
        for first in range(0, len(ids), BATCH):
            # The condition once more: somebody may have changed a row since.
            batch = list(rows.filter(pk__in=ids[first : first + BATCH]).select_for_update(of=("self",)).order_by("pk"))
            _record(batch, user, changes)
            MissingService.objects.filter(pk__in=[row.pk for row in batch]).update(**changes, updated_at=timezone.now())
            if before is not None and after is not None:
                _resolve(batch, user, before, after)
            changed += len(batch)
    return changed


def _resolve(rows: Sequence[MissingService], user: User | None, before: Resolution, after: Resolution) -> None:
    for region_id in {row.region_id for row in rows}:
        references = [row.appointment_id for row in rows if row.region_id == region_id]
        failures = Failure.objects.filter(
            run__region=region_id, run__job=JOB, reference__in=references, resolution=before
        )
        if after == Resolution.OPEN:
            failures.update(resolution=after, resolved_by=None, resolved_at=None)
        else:
            failures.update(resolution=after, resolved_by=user, resolved_at=timezone.now())


def _record(rows: Sequence[MissingService], user: User | None, changes: dict[str, Any]) -> None:
    with set_actor(user) if user is not None else nullcontext():
        for row in rows:
            record_change(row, {name: (_shown(getattr(row, name)), _shown(value)) for name, value in changes.items()})


def _query(rows: Rows) -> QuerySet[MissingService]:
    return MissingService.objects.filter(pk=rows.pk) if isinstance(rows, MissingService) else rows


def _shown(value: Any) -> str:
    if value is None:
        return "None"
    return value.isoformat() if isinstance(value, date | datetime) else str(value)
