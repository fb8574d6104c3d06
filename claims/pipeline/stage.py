"""stage_claims: 837P files into the staging table, each file whole or not at all.

A claim is known by its sender and its CLM01: what has come once is not staged again, in whatever file it comes.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from django.db import transaction
from django.utils import timezone

from backoffice.audit import record_change
from backoffice.formats import legible
from backoffice.runs.faults import Misuse
from claims.edi.answers import read
from claims.edi.envelope import Transaction
from claims.edi.findings import Findings
from claims.edi.outbound import Interchange, check_interchange
from claims.edi.read_837p import SubmittedClaim
from claims.edi.segments import NotWritable
from claims.models import Night, ReceivedClaim, ReceivedSet, RemittancePayer, StagedBatch
from claims.pipeline.control_numbers import take
from claims.pipeline.delivered import Problems
from claims.pipeline.lines import lay_down, refuse_keys
from claims.pipeline.submitted import claim_id, document_of, refusal, staged_lines
from claims.pipeline.turns import take_turn
from regions.models import Region

AT_ONCE = 1_000  # claims that are held
HARMLESS = frozenset(("cp1252", "isa-length"))  # read all the same, and to nobody's loss


@dataclass(kw_only=True)
class Staged:
    """What came of a file. `repeated`: where claims stand that had come before. No batch: nothing was new in it."""

    file: str
    claims: int = 0
    lines: int = 0
    batch: StagedBatch | None = None
    known: bool = False  # the file itself had come before
    repeated: Problems = field(default_factory=Problems)


def stage(path: Path, region: Region, run_date: date | None = None) -> Staged:
    """Stage the claims of a file for the next night, or for the first from `run_date` on, as received on that day.

    Raises FolderRefused with the segment of each claim that cannot be staged; then nothing was changed.
    """
    try:
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
            with transaction.atomic():
                take_turn(region)
                return _stage(file, sha256, Staged(file=legible(path.name)[-200:]), region, run_date)
    except OSError as error:
        raise Misuse(f"{legible(path)}: {error.strerror or 'cannot be read'}") from None


def _stage(file: BinaryIO, sha256: str, staged: Staged, region: Region, run_date: date | None) -> Staged:
    if run_date and (night := Night.objects.filter(region=region, run_date__gte=run_date).first()):
        raise Misuse(f"The night of {night.run_date} has its claims already. Stage them for a later one.")
    if ReceivedSet.objects.filter(region=region, sha256=sha256).exists():
        staged.known = True
        return staged
    problems = Problems()
    batch = StagedBatch.objects.create(region=region, source=staged.file, not_before=run_date)
    batch.lines = lay_down(_lines(file, sha256, staged, batch, problems), batch)
    if not problems.found:
        refuse_keys(batch, problems)
    problems.refuse()
    if not batch.lines:
        batch.delete()
        return staged
    batch.save(update_fields=["lines"])
    record_change(batch, {"lines": ("0", str(batch.lines))}, claims=staged.claims)
    staged.lines, staged.batch = batch.lines, batch
    return staged


def _lines(
    file: BinaryIO, sha256: str, staged: Staged, batch: StagedBatch, problems: Problems
) -> Iterator[tuple[Any, ...]]:
    """The staged lines of new claims; what leads back to their sender is stored as they are handed out."""
    findings, sets = Findings(), 0
    payers = set(RemittancePayer.objects.filter(region=batch.region).values_list("payer_id", flat=True))
    for of, said in read(file, findings):
        claims = (claim for claim in said if isinstance(claim, SubmittedClaim))
        received = None
        while some := list(islice(claims, AT_ONCE)):
            received = received or _received(of, sha256, staged, batch, problems)
            yield from _new(some, received, payers, staged, problems)
        sets += received is not None
    for found in findings.found:
        if found.code not in HARMLESS:
            problems.add(f"{staged.file} {found.place}", found.says)
    problems.more += findings.more
    if not sets and not problems.found:
        problems.add(staged.file, "has no claim (837P) in it")


def _received(of: Transaction, sha256: str, staged: Staged, batch: StagedBatch, problems: Problems) -> ReceivedSet:
    """The set's row; its envelope has to be one that an answer can be sent to."""
    received = ReceivedSet(
        region=batch.region, batch=batch, file=staged.file, sha256=sha256,
        sender_qualifier=of.sender_qualifier[:2], sender=of.sender[:15], receiver_qualifier=of.receiver_qualifier[:2],
        receiver=of.receiver[:15], group_sender=of.group_sender[:15], group_receiver=of.group_receiver[:15],
        interchange=of.interchange[:15], group=of.group[:15], number=of.number[:15], usage=of.usage[:1],
    )  # fmt: skip
    try:
        check_interchange(answer_to(received, 1, timezone.now()))
    except NotWritable as fault:
        problems.add(f"{staged.file} segment {of.segment} (ST)", f"cannot be answered. {fault}")
    received.save()
    return received


def answer_to(received: ReceivedSet, control: int, when: datetime) -> Interchange:
    """An interchange that goes back the way the set came."""
    return Interchange(
        control=control, when=when, test=received.usage == "T",
        sender_qualifier=received.receiver_qualifier, sender=received.receiver,
        receiver_qualifier=received.sender_qualifier, receiver=received.sender,
        group_sender=received.group_receiver, group_receiver=received.group_sender,
    )  # fmt: skip


def _new(
    claims: list[SubmittedClaim], received: ReceivedSet, payers: set[str], staged: Staged, problems: Problems
) -> Iterator[tuple[Any, ...]]:
    """The lines of those that have not come before and can be adjudicated; the others are noted."""
    of_sender = ReceivedClaim.objects.filter(region=received.region_id, sender=received.sender)
    accounts = [claim.account for claim in claims]
    known = set(of_sender.filter(account__in=accounts).values_list("account", flat=True))
    fresh = []
    for claim in claims:
        where = f"{staged.file} segment {claim.segment} (CLM)"
        if why := refusal(claim, payers):
            problems.add(where, why)
        elif claim.account in known:
            staged.repeated.add(where, "has come before")
        else:
            known.add(claim.account)
            fresh.append(claim)
    staged.claims += len(fresh)
    first = take(f"claims {received.region_id}", len(fresh)) if fresh else 0
    numbered = [(claim_id(number), claim) for number, claim in enumerate(fresh, first)]
    ReceivedClaim.objects.bulk_create(_row(identity, claim, received) for identity, claim in numbered)
    on = _day_of_receipt(received)
    for identity, claim in numbered:
        yield from staged_lines(identity, claim, on)


def _row(identity: str, claim: SubmittedClaim, received: ReceivedSet) -> ReceivedClaim:
    return ReceivedClaim(
        region=received.region, received=received, claim_id=identity, sender=received.sender, account=claim.account,
        payer_id=claim.parties.payer, tax_id=claim.parties.tax_id[:50], filing=claim.parties.filing[:2],
        place=claim.place, frequency=claim.frequency, document=document_of(claim),
    )  # fmt: skip


def _day_of_receipt(received: ReceivedSet) -> date:
    """Today in the region's zone; for a night that is over already, that night."""
    today = timezone.localdate(timezone=received.region.zone)
    return min(today, received.batch.not_before or today)
