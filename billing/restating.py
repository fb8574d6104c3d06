"""What the events of some claims make of them, written down: state, sums, the payer's number, each line's payment."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from django.utils import timezone

from billing.bulk import Among, update_rows
from billing.models import Claim, ClaimEvent, ClaimLine
from claims.edi.status import ADJUDICATED, Event, Standing, State, in_order, standing

LINES_AT_ONCE = 5_000


class Row(NamedTuple):
    """An event as it is read here."""

    claim: int
    event: Event
    detail: dict[str, Any]


class Stands(NamedTuple):
    """A claim as it is, or is to be."""

    state: str
    paid: Decimal
    share: Decimal
    corrected: bool
    payer_claim: str


def locked(ids: Sequence[int]) -> dict[int, Stands]:
    """The claims as they are, locked in the order of their ids until the caller's transaction ends."""
    held = Claim.objects.select_for_update().filter(Among("pk", ids)).order_by("pk")
    rows = held.values_list("pk", *Stands._fields)
    return {pk: Stands(*values) for pk, *values in rows}


def restate(before: Mapping[int, Stands], new: Iterable[ClaimEvent]) -> int:
    """Make the claims, which are locked, what their events say: the stored ones, and those that are about to be. How
    many changed. `standing` takes an event that is stored already for the same."""
    said: dict[int, list[Row]] = defaultdict(list)
    for row in _stored(list(before)):
        said[row.claim].append(row)
    known = {(row.claim, row.event.key) for rows in said.values() for row in rows}
    for event in new:
        if event.state and not event.test and (event.claim_id, event.key) not in known:
            known.add((event.claim_id, event.key))
            said[event.claim_id].append(Row(event.claim_id, event_of(event), event.detail))
    after = {pk: _stands(said[pk], held.payer_claim) for pk, held in before.items()}
    changed = [pk for pk, held in before.items() if held != after[pk]]
    now = timezone.now()
    columns = (*Stands._fields, "changed_at")
    update_rows(Claim, ("id",), columns, [(pk, *after[pk], now) for pk in changed])
    _write_lines({pk: rows for pk, rows in said.items() if any(row.event.state in ADJUDICATED for row in rows)})
    return len(changed)


def event_of(event: ClaimEvent) -> Event:
    """One that has a state, as `standing` takes it."""
    order = (event.day, event.payment, event.segment)
    return Event(key=event.key, state=State(event.state), order=order, paid=event.paid, share=event.share)


def _stored(ids: Sequence[int]) -> Iterator[Row]:
    found = ClaimEvent.objects.filter(Among("claim_id", ids), test=False).exclude(state="").order_by("claim_id", "id")
    columns = ("claim_id", "key", "state", "day", "payment", "segment", "paid", "share", "detail")
    for claim, key, state, day, payment, segment, paid, share, detail in found.values_list(*columns):
        order = (day, payment, segment)
        yield Row(claim, Event(key=key, state=State(state), order=order, paid=paid, share=share), detail)


def _stands(rows: Iterable[Row], payer_claim: str) -> Stands:
    """`payer_claim` is the last that was named, in the order of adjudications, and what it was where none is."""
    rows = list(rows)
    found: Standing = standing(row.event for row in rows)
    return Stands(
        state=found.state.value,
        paid=found.paid,
        share=found.share,
        corrected=found.corrected,
        payer_claim=_payer_claim(rows) or payer_claim,
    )


def _payer_claim(rows: Sequence[Row]) -> str:
    """Empty where none is named."""
    named = [row for row in rows if row.detail.get("payer_claim")]
    if len({row.detail["payer_claim"] for row in named}) > 1:
        place = {event.key: number for number, event in enumerate(in_order(row.event for row in named), 1)}
        named.sort(key=lambda row: (place.get(row.event.key, 0), row.event.key))
    return str(named[-1].detail["payer_claim"]) if named else ""


def _write_lines(said: dict[int, list[Row]]) -> None:
    """Σ of what each line's adjudications paid, found by our line control number (REF 6R)."""
    sums: dict[tuple[int, str], Decimal] = defaultdict(Decimal)
    for pk, rows in said.items():
        for row in rows:
            for line in row.detail.get("lines", ()) if row.event.state in ADJUDICATED else ():
                if line["control"]:
                    sums[pk, line["control"]] += Decimal(line["paid"])
    lines = [(pk, control, paid) for (pk, control), paid in sums.items()]
    for start in range(0, len(lines), LINES_AT_ONCE):
        update_rows(ClaimLine, ("claim", "control"), ("paid",), lines[start : start + LINES_AT_ONCE])
