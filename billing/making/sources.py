"""Services that no claim bills yet: those that recovery has written, by visit, and loaded ones, one by one."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import Exists, OuterRef, QuerySet

from billing.models import Claim, LoadedService
from clinic.models import ServiceWrite, WriteState
from regions.models import Region

WRITE, LOADED = "write", "loaded"
ORIGINS = (WRITE, LOADED)
Row = ServiceWrite | LoadedService


class Block(NamedTuple):
    """What was done: a block of the hospital, how often, and the price of one."""

    code: str
    quantity: int
    price: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Services that are claimed together. `origin` and `pk` name their row; `day` is of the region's time zone."""

    origin: str
    pk: int
    appointment_id: str = ""
    patient_id: str
    department_id: str
    case_id: str
    day: date
    blocks: tuple[Block, ...]
    value: Decimal


def source_of(row: Row, region: Region) -> Source:
    """What is claimed of the row. Recovery has found the case before it wrote (recovery.md, row 8)."""
    if isinstance(row, LoadedService):
        return Source(
            origin=LOADED, pk=row.pk, patient_id=row.patient_id, department_id=row.department_id, case_id=row.case_id,
            day=row.day, blocks=(Block(row.block_code, row.quantity, row.price),), value=row.value,
        )  # fmt: skip
    visit: dict[str, Any] = row.appointment
    case_id, *_ = visit.get("destination") or [""]
    return Source(
        origin=WRITE, pk=row.pk, appointment_id=row.appointment_id, patient_id=visit.get("patient_id", ""),
        department_id=visit.get("department_id", ""), case_id=case_id, day=row.start.astimezone(region.zone).date(),
        blocks=tuple(Block(code, quantity, Decimal(price)) for code, quantity, price in row.services), value=row.value,
    )  # fmt: skip


def rows_of(region: Region, origin: str) -> QuerySet[Any]:
    """What may be claimed. What is unknown, refused or only previewed was not billed at the hospital."""
    if origin == LOADED:
        return LoadedService.objects.filter(region=region).order_by("pk")
    return ServiceWrite.objects.filter(region=region, state=WriteState.WRITTEN).order_by("pk")


def unclaimed(region: Region, origin: str) -> QuerySet[Any]:
    """Those of which no claim was ever made; one that a person has withdrawn stays withdrawn."""
    return rows_of(region, origin).filter(~Exists(Claim.objects.filter(**{origin: OuterRef("pk")})))


def page(region: Region, origin: str, after: int, size: int) -> list[Source]:
    """The next unclaimed sources by id."""
    return [source_of(row, region) for row in unclaimed(region, origin).filter(pk__gt=after)[:size]]


def sources_of(claims: Iterable[Claim], region: Region) -> dict[tuple[str, int], Source]:
    """The sources of these claims, by origin and id."""
    found: dict[tuple[str, int], Source] = {}
    for origin in ORIGINS:
        ids = {pk for claim in claims if (pk := getattr(claim, f"{origin}_id"))}
        if ids:
            rows = rows_of(region, origin).filter(pk__in=ids)
            found |= {(origin, row.pk): source_of(row, region) for row in rows}
    return found


def origin_of(claim: Claim) -> tuple[str, int] | None:
    """What names the claim's source; None for one that was made of nothing of ours."""
    if claim.write_id:
        return WRITE, claim.write_id
    return (LOADED, claim.loaded_id) if claim.loaded_id else None


def locked(region: Region, sources: Collection[Source]) -> set[tuple[str, int]]:
    """Lock the sources' rows in the order of their ids: which of them are as they were read and have no claim yet."""
    free: set[tuple[str, int]] = set()
    for origin in ORIGINS:
        known = {source.pk: source for source in sources if source.origin == origin}
        if not known:
            continue
        rows = list(rows_of(region, origin).select_for_update(no_key=True).filter(pk__in=known))
        # Asked after the locks are held: whoever held them before has committed its claims.
        claimed = Claim.objects.filter(**{f"{origin}__in": known}).values_list(f"{origin}_id", flat=True)
        taken = set(claimed)
        free |= {(origin, row.pk) for row in rows if row.pk not in taken and source_of(row, region) == known[row.pk]}
    return free
