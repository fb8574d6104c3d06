"""A claim once more: as its replacement or void, or made again because it was refused or rejected.

A version that was sent is a claim of its own with a number of its own; `replaces` leads to the one before. A version
begins as a draft, which the next run of claim_services judges.
"""

from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction

from backoffice.runs.faults import Misuse
from backoffice.runs.models import LIVE, Run
from billing.content import claim_of
from billing.events import record
from billing.making.build import versioned
from billing.making.judging import is_held_back, judged, keep_judged
from billing.making.numbers import control_number
from billing.making.rebuild import VOID, rebuilt
from billing.making.rows import draft_event, line_rows, with_content
from billing.making.sources import LOADED, WRITE
from billing.making.standing import NOT_SENT
from billing.models import Claim, ClaimLine
from claims.edi.claims import Claim as Content
from claims.edi.claims import Kind
from claims.edi.rules import Problem
from claims.edi.status import State
from regions.models import Region

if TYPE_CHECKING:
    from django.contrib.auth.models import User

REPLACEMENT = "7"
CLAIM_SERVICES = "claim_services"
AGAIN = (State.FILE_FAILED, State.REJECTED_BY_CLEARINGHOUSE, State.REJECTED_BY_PAYER)
NO_NUMBER = "The payer's claim number (REF F8) is not known yet: wait for its 277CA or its remittance."
NOT_WITH_PAYER = "The payer has not taken this claim ({}): make it again instead of replacing it."
NOT_REJECTED = "Only a claim that was refused or rejected, or whose file failed, is made again; this one is {}."
TWICE = "This claim has a later version already: go on with that one."


def replaced(claim: Claim, frequency: str, *, user: "User | None" = None) -> Claim:
    """A draft that corrects what the payer has: 7, made of present data, or 8, which takes back what was sent.

    Misuse where the payer has no such claim, has given it no number, or a later version is there.
    """
    if frequency not in (REPLACEMENT, VOID):
        raise Misuse("A claim that the payer has is replaced (7) or taken back (8).")
    with transaction.atomic():
        row = _lock(claim)
        if row.state in NOT_SENT or row.withdrawn:
            raise Misuse(NOT_WITH_PAYER.format("withdrawn" if row.withdrawn else row.state))
        if not row.payer_claim:
            raise Misuse(NO_NUMBER)
        content = claim_of(row.content) if frequency == VOID else _present(row)
        return _next(row, content, frequency, row.payer_claim, user)


def remade(claim: Claim, *, user: "User | None" = None) -> Claim:
    """The claim from present data: one that was never in a file, a draft or refused since, stays the row it is and is
    judged at once; of one that was sent and came to nothing there is a next version. Misuse where it is neither, or
    where data are missing."""
    with transaction.atomic():
        row = _lock(claim)
        if is_held_back(row):
            _alone_in_judging(row.region)
            keep_judged(judged(row.region, [row]))
            row.refresh_from_db()
            return row
        if row.state not in AGAIN:
            raise Misuse(NOT_REJECTED.format("withdrawn" if row.withdrawn else row.state))
        before = claim_of(row.content)
        content = before if row.frequency == VOID else _present(row)
        return _next(row, content, row.frequency, before.original, user)


def _lock(claim: Claim) -> Claim:
    """Whoever makes two versions of it at once makes one: the second sees the first."""
    row = Claim.objects.select_for_update(of=("self",)).select_related("region").get(pk=claim.pk)
    if row.versions.filter(withdrawn=False).exists():
        raise Misuse(TWICE)
    return row


def _alone_in_judging(region: Region) -> None:
    """Two that judge two drafts of one service at once could let both pass. Misuse while a run judges."""
    Region.objects.select_for_update().get(pk=region.pk)
    if run := Run.objects.filter(job=CLAIM_SERVICES, region=region, status__in=LIVE).first():
        raise Misuse(f"Run {run.pk} judges the region's claims now: try again when it is done.")


def _present(row: Claim) -> Content:
    """As present data make it; as it was, where it was made of no services of ours."""
    found = rebuilt(row.region, [row]).get(row.pk)
    if isinstance(found, Problem):
        raise Misuse(found.says)
    return found or claim_of(row.content)


def _next(row: Claim, content: Content, frequency: str, original: str, user: "User | None") -> Claim:
    version = _last_version(row) + 1
    origin, pk = (WRITE, row.write_id) if row.write_id else (LOADED, row.loaded_id)
    if not pk:
        raise Misuse("Nothing is known of where this claim's services come from: make it at its source.")
    control = control_number(Kind(row.kind), origin, pk, row.part, version)
    fresh = Claim(
        region=row.region, kind=row.kind, part=row.part, version=version, frequency=frequency, replaces=row,
        write_id=row.write_id, loaded_id=row.loaded_id, appointment_id=row.appointment_id, patient_id=row.patient_id,
        control=control,
    )  # fmt: skip
    numbered = versioned(content, control, frequency, original)
    blocks = row.lines.order_by("number").values_list("block_code", flat=True)
    try:
        with_content(fresh, numbered).save()
    except IntegrityError:
        raise Misuse(TWICE) from None
    ClaimLine.objects.bulk_create(line_rows(fresh, numbered, list(blocks)))
    event = draft_event(fresh, f"Version {version}, frequency {frequency}.")
    event.made_by = user
    record([event])
    return fresh


def _last_version(row: Claim) -> int:
    same = Claim.objects.filter(region=row.region, kind=row.kind, part=row.part)
    same = same.filter(write=row.write_id) if row.write_id else same.filter(loaded=row.loaded_id)
    return int(same.latest("version").version)
