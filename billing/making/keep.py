"""Claims and unclaimable services into the database, each once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from backoffice.runs.models import Run
from billing.events import record
from billing.making.build import Draft, Missing, drafts, missing
from billing.making.known import known_of
from billing.making.rows import claim_row, draft_event, line_rows
from billing.making.sources import ORIGINS, Source, locked
from billing.models import Claim, ClaimLine, Unclaimable
from regions.models import Region

AT_ONCE = 500
RENEWED = ("appointment_id", "day", "missing", "lacks", "at_stake", "run", "updated_at", "closed_at")


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """What came of a source: its claims, or what it lacks."""

    source: Source
    drafts: tuple[Draft, ...] = ()
    missing: tuple[Missing, ...] = ()


def made_of(region: Region, sources: Sequence[Source]) -> list[Made]:
    """Each source with what comes of it by present data; nothing is written."""
    known = known_of(region, sources)
    made = []
    for source in sources:
        lacks = missing(source, known)
        found = [] if lacks else drafts(source, known)
        made.append(Made(source=source, drafts=tuple(found), missing=tuple(lacks)))
    return made


def keep(region: Region, made: Sequence[Made], run: Run | None = None) -> int:
    """Write it down, and say of how many sources: one that was claimed or changed meanwhile is left as it is.

    Whoever comes second waits for the sources' locks and then sees the first one's claims; the unique constraints on
    source, kind and part, and on the claim's number, stand behind that.
    """
    with transaction.atomic():
        free = locked(region, [one.source for one in made])
        mine = [one for one in made if (one.source.origin, one.source.pk) in free]
        _keep_claims(region, [one for one in mine if one.drafts], run)
        _keep_unclaimable(region, [one for one in mine if one.missing], run)
    return len(mine)


def _keep_claims(region: Region, made: Sequence[Made], run: Run | None) -> None:
    pairs = [(draft, claim_row(draft, one.source, region)) for one in made for draft in one.drafts]
    for _, row in pairs:
        row.run = run
    Claim.objects.bulk_create([row for _, row in pairs], batch_size=AT_ONCE)
    lines = (line for draft, row in pairs for line in line_rows(row, draft.claim, draft.blocks))
    ClaimLine.objects.bulk_create(lines, batch_size=AT_ONCE)
    record(draft_event(row, f"Made of {len(draft.blocks)} services.") for draft, row in pairs)
    _close(made)


def _close(made: Iterable[Made]) -> None:
    """They lack nothing any more."""
    for origin in ORIGINS:
        ids = [one.source.pk for one in made if one.source.origin == origin]
        if ids:
            rows = Unclaimable.objects.filter(closed_at=None, **{f"{origin}__in": ids})
            rows.update(closed_at=timezone.now(), updated_at=timezone.now())


def _keep_unclaimable(region: Region, made: Sequence[Made], run: Run | None) -> None:
    for origin in ORIGINS:
        rows = [_unclaimable(region, one, run) for one in made if one.source.origin == origin]
        if rows:
            Unclaimable.objects.bulk_create(
                rows, update_conflicts=True, unique_fields=(origin,), update_fields=RENEWED, batch_size=AT_ONCE
            )


def _unclaimable(region: Region, one: Made, run: Run | None) -> Unclaimable:
    source = one.source
    return Unclaimable(
        region=region, appointment_id=source.appointment_id, day=source.day,
        missing=[list(pair) for pair in one.missing], lacks=";".join(sorted({what for what, _ in one.missing})),
        at_stake=source.value, run=run, **{f"{source.origin}_id": source.pk},
    )  # fmt: skip
