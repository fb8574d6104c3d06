"""Which appointments a run reads, page by page: windows in their order, or single ones that are read again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from backoffice.adapters.hospital_types import Appointment, HospitalUnavailable, Page, Session
from backoffice.runs.faults import TransientError
from backoffice.runs.job import Chunk, Fault, Json
from backoffice.runs.kernel import each
from backoffice.runs.models import Failure, Run
from clinic.models import ACTIONABLE, MissingService
from clinic.recovery.scope import Recovery, Window, midnight, refusal_ends_the_run

SessionsById = dict[str, tuple[Session, ...]]


class ListingFailed(TransientError):
    """Listing still fails after the adapter's retries: what was not reached is read by the restart."""

    reason = "listing_failed"


@dataclass(frozen=True, slots=True)
class Reading:
    """One page, with its appointments' sessions (None: they could not be read).

    `last` says whether its window ends with it. `lost` are rows whose appointment is no longer there.
    """

    window: Window
    appointments: tuple[Appointment, ...]
    sessions: SessionsById | None
    last: bool
    read_at: datetime
    lost: tuple[MissingService, ...] = ()


def chunks(recovery: Recovery, checkpoint: Json | None) -> Iterator[Chunk]:
    """One page, one chunk; at least one listing a window. Checkpoint: {"window": k, "after": cursor or row id}."""
    window, after = (checkpoint["window"], checkpoint["after"]) if checkpoint else (0, None)
    if "only" in recovery.parameters:
        return _single_ones(recovery, window, after or 0)
    return _windows(recovery, window, after)


def window_at(recovery: Recovery, number: int) -> Window:
    """The bounds of a window: whole days of the region's zone, both ends at 00:00."""
    parameters = recovery.parameters
    first, last = date.fromisoformat(parameters["from"]), date.fromisoformat(parameters["to"])
    days = parameters["window"]
    begins = first + timedelta(days=number * days)
    ends = min(begins + timedelta(days=days), last)
    of = -(-(last - first).days // days)
    return Window(number, of, midnight(begins, recovery.zone), midnight(ends, recovery.zone))


def selected(region_id: int, only: Json) -> QuerySet[MissingService]:
    """The worklist rows that a run over single appointments reads again."""
    rows = MissingService.objects.filter(region_id=region_id)
    if "rows" in only:
        return rows.filter(pk__in=only["rows"])
    if "blocked_by" in only:
        return rows.filter(blocked_by=only["blocked_by"], status__in=ACTIONABLE)
    failed = Run.objects.filter(pk=only["failures_of"]).values("chain")
    references = Failure.objects.filter(run__chain__in=failed, run__region=region_id).values("reference")
    return rows.filter(appointment_id__in=references, status__in=ACTIONABLE)


def _windows(recovery: Recovery, number: int, after: str | None) -> Iterator[Chunk]:
    of = window_at(recovery, 0).of
    for window in (window_at(recovery, k) for k in range(number, of)):
        last = False
        while not last:
            read_at = timezone.now()
            page = _listed(recovery, window.begins, window.ends, after)
            last, after = not page.has_next, page.end_cursor if page.has_next else None
            yield Chunk(
                data=Reading(window, page.appointments, _sessions(recovery, page.appointments), last, read_at),
                checkpoint={"window": window.number + last, "after": after},
                done=window.number + last,
                of=window.of,
                label=window.label,
            )


def _listed(recovery: Recovery, begins: datetime, ends: datetime, after: str | None) -> Page:
    try:
        with recovery.slots, refusal_ends_the_run():
            return recovery.hospital.appointments(begins, ends, recovery.parameters["chunk"], after)
    except HospitalUnavailable as error:
        raise ListingFailed(
            f"The hospital at {recovery.hospital.url} does not list its appointments ({error.code})."
            " Restart the run when it does."
        ) from None


def _sessions(recovery: Recovery, appointments: Sequence[Appointment]) -> SessionsById | None:
    """The page's sessions in one call; None when it still fails after retries."""
    try:
        with recovery.slots, refusal_ends_the_run():
            return recovery.hospital.sessions([one.id for one in appointments])
    except HospitalUnavailable:
        return None


def _single_ones(recovery: Recovery, number: int, after: int) -> Iterator[Chunk]:
    """Rows by id, a chunk of them at a time: each appointment is listed by the second it starts in."""
    size = recovery.parameters["chunk"]
    query = selected(recovery.region.pk, recovery.parameters["only"]).order_by("pk")
    of = number + -(-query.filter(pk__gt=after).count() // size)
    while rows := list(query.filter(pk__gt=after)[:size]):
        after = rows[-1].pk
        window = Window(
            number, of, min(row.start for row in rows), max(row.start for row in rows) + timedelta(seconds=1)
        )
        read_at = timezone.now()
        found = _found(recovery, rows)
        appointments = tuple(found[row.appointment_id] for row in rows if row.appointment_id in found)
        number += 1
        yield Chunk(
            data=Reading(
                window,
                appointments,
                _sessions(recovery, appointments),
                last=True,
                read_at=read_at,
                lost=tuple(row for row in rows if row.appointment_id not in found),
            ),
            checkpoint={"window": number, "after": after},
            done=number,
            of=max(of, number),
            label=window.label,
        )
    yield from _settled_windows(recovery, max(of, number), after)


def _settled_windows(recovery: Recovery, of: int, after: int) -> Iterator[Chunk]:
    """Windows whose rows were all settled by the restart: closed since, so that no query finds them any more."""
    for row in sorted(recovery.open_windows.values(), key=lambda row: row.number):
        window = Window(row.number, of, row.begins, row.ends)
        yield Chunk(
            data=Reading(window, (), {}, last=True, read_at=timezone.now()),
            checkpoint={"window": row.number + 1, "after": after}, done=row.number + 1, of=of, label=window.label,
        )  # fmt: skip


def _found(recovery: Recovery, rows: Sequence[MissingService]) -> dict[str, Appointment]:
    starts = sorted({row.start.replace(microsecond=0) for row in rows})
    answers = each(lambda start: _starting_at(recovery, start), starts, concurrency=recovery.concurrency)
    wanted = {row.appointment_id for row in rows}
    found = {}
    for answer in answers:
        if isinstance(answer, Fault):
            raise ListingFailed(answer.reason)
        found.update({one.id: one for one in answer if one.id in wanted})
    return found


def _starting_at(recovery: Recovery, start: datetime) -> list[Appointment]:
    appointments: list[Appointment] = []
    after, more = None, True
    while more:
        page = _listed(recovery, start, start + timedelta(seconds=1), after)
        appointments += page.appointments
        after, more = page.end_cursor, page.has_next
    return appointments
