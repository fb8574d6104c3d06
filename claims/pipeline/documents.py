"""The 835s of a night: when its remittances are verified, one for each provider, payer and sender of claims.

Each is written in a transaction of its own behind the part's fence: numbers, file, record. What a killed worker left
without a record gets the same numbers again, and with them the same bytes under the same name.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, time, timedelta
from hashlib import sha256
from itertools import chain
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from django.db import transaction
from django.db.models import Count, QuerySet, Sum
from django.utils import timezone

from backoffice.runs import parts
from backoffice.runs.faults import ConfigError, Misuse, OutOfBalance
from backoffice.runs.job import Json
from claims.edi.answers import read
from claims.edi.findings import Findings
from claims.edi.payments import Remitted, Remitter
from claims.edi.remittance import PaymentEnd
from claims.edi.segments import NotWritable
from claims.edi.write835 import Written, write_835
from claims.models import Night, ReceivedSet, RemittanceDocument, RemittancePayer
from claims.pipeline import files, reversals, verify
from claims.pipeline.control_numbers import take
from claims.pipeline.night import Work
from claims.pipeline.remitted import remitted_claims
from claims.pipeline.reversals import Owed
from claims.pipeline.ways import OURS, SUMS, Way, interchange, no_lines, payee_of, remitted_lines, remitter_of, sums

if TYPE_CHECKING:
    import polars as pl

FOLDER = "remittances-835"
BEGINS, PAID_AFTER = time(22), timedelta(days=1)  # the window opens on the run date; payment runs when it has closed


def write_documents(work: Work) -> Json:
    """Write those that are not there yet, and compare all of them with the remittances. {} where there is nothing to
    write: then two small tables were looked at and nothing else."""
    payers = {payer.payer_id: payer for payer in RemittancePayer.objects.filter(region=work.region)}
    for_all = next((payer_id for payer_id, payer in payers.items() if payer.for_all), "")
    owed = reversals.owed(work.night)
    if not owed and not for_all and not ReceivedSet.objects.filter(region=work.region).exists():
        return {}
    sweep(work.night)
    standing = documents_of(work.night)
    written = set(standing.values_list("provider_npi", *Way._fields))
    found: Counter[str] = Counter()
    for provider, way, lines in remitted_lines(work.night, for_all):
        found.update(sums(lines))
        due = owed.pop((provider, way), Owed())
        if (provider, *way) not in written:
            _write(work, payers.get(way.payer_id), provider, way, lines, due)
    for (provider, way), due in owed.items():  # of which nothing is paid in this night
        if due.taken_back and (provider, *way) not in written:
            _write(work, payers.get(way.payer_id), provider, way, no_lines(), due)
    made = standing.aggregate(documents=Count("pk"), **{f"all_{name}": Sum(name) for name in SUMS})
    for name in SUMS:
        verify.equal("835", name, found[name], made[f"all_{name}"] or 0)
    return {"documents": {"count": made["documents"]}} if made["documents"] else {}


def documents_of(night: Night) -> QuerySet[RemittanceDocument]:
    """Those that stand."""
    return RemittanceDocument.objects.filter(region=night.region_id, run_date=night.run_date, voided_at=None)


def void(night: Night) -> None:
    """Inside the caller's transaction. What was sent cannot be taken back: the records and their files stay."""
    documents_of(night).update(voided_at=timezone.now())


def sweep(night: Night) -> None:
    """Delete files that no record speaks of."""
    kept = RemittanceDocument.objects.filter(region=night.region_id, run_date=night.run_date)
    names = set(kept.values_list("name", flat=True))
    for name in files.listed(night, FOLDER):
        if name not in names:
            files.storage().delete(name)


def hand_out(document: RemittanceDocument) -> bytes:
    """Its bytes, which count as sent from now on: if its night is undone, they are taken back. Misuse if it is void, or
    its night has begun anew and is not complete."""
    with transaction.atomic():
        held = RemittanceDocument.objects.select_for_update(of=("self",)).get(pk=document.pk)
        if held.voided_at:
            raise Misuse(f"The 835 of trace {held.trace} is void: its night was undone.")
        night = Night.objects.filter(region=held.region_id, run_date=held.run_date).first()
        if night is not None and not night.complete:
            raise Misuse(f"The night of {held.run_date} is not complete: no payment of it is final. Finish it first.")
        if held.handed_out_at is None:
            held.handed_out_at = timezone.now()
            held.save(update_fields=["handed_out_at"])
    return content_of(held)


def content_of(document: RemittanceDocument) -> bytes:
    """Its bytes; OutOfBalance where they are not those that were recorded."""
    try:
        with files.storage().open(document.name, "rb") as file:
            content: bytes = file.read()
    except OSError:
        content = b""
    if sha256(content).hexdigest() != document.sha256:
        raise OutOfBalance(f"835: the file of trace {document.trace} is not what was recorded.")
    return content


def _write(work: Work, payer: RemittancePayer | None, provider: str, way: Way, lines: pl.DataFrame, owed: Owed) -> None:
    """One document: what is owed, then what the lines come to, if there is one. ConfigError names what cannot be
    written and where it comes from."""
    if payer is None:
        raise ConfigError(
            f"Payer {way.payer_id} is not among the payers any more. Load its row (remittance_payers.csv) and restart."
        )
    with transaction.atomic():
        parts.hold(work.part, heartbeat_at=timezone.now())
        remitter, own = remitter_of(payer), sums(lines)
        number = take(f"835 {way.sender} {way.receiver} {way.usage}")
        trace = f"{take(f'trace {remitter.originator}'):09d}"
        try:
            made = _made(work, remitter, provider, way, lines, owed, number, trace)
        except NotWritable as fault:
            raise ConfigError(f"The 835 of {provider} cannot be written. {fault}{_without(way)}") from None
        carried = _agree(provider, made, reversals.file_sums(own, owed), owed.offset)
        name = f"{quote(provider, safe='')}-{remitter.originator}-{trace}.835"
        document = RemittanceDocument.objects.create(
            region=work.region, run_date=work.run_date, provider_npi=provider, **way._asdict(), number=number,
            originator=remitter.originator, trace=trace, sha256=sha256(made.content).hexdigest(), carried=carried,
            size=len(made.content), name=files.save_bytes(made.content, work.night, FOLDER, name), **own,
        )  # fmt: skip
        reversals.note(owed, document)


def _without(way: Way) -> str:
    """How the night goes on without an 835 that only `for_all` asks for."""
    return " To go on without it, load remittance_payers.csv without for_all and restart." if way.sender == OURS else ""


def _made(
    work: Work, remitter: Remitter, provider: str, way: Way, lines: pl.DataFrame, owed: Owed, number: int, trace: str
) -> Written:
    """The file: reversals first, then the claims of the lines."""
    sent = [content_of(each) for each in owed.taken_back]
    taken_back = [claim for content in sent for claim in reversals.reversals(content)]
    claim_id = taken_back[0].number if lines.is_empty() else lines["claim_id"][0]
    remitted = Remitted(
        remitter=remitter, payee=payee_of(work.night, provider, claim_id), trace=trace, produced_on=work.run_date,
        paid_on=work.run_date + PAID_AFTER, offsets=owed.offsets,
    )  # fmt: skip
    when = datetime.combine(work.run_date, BEGINS, work.region.zone)
    envelope = interchange(work.night, way, claim_id, number, when, sent[0] if sent else b"")
    return write_835(envelope, remitted, chain(taken_back, remitted_claims(work.night, lines)))


def _agree(provider: str, made: Written, sums: dict[str, int], offset: int) -> int:
    """What was written, and what is read back from it, is what it has to be, to the cent: the claims' SUMS, and what is
    left of these after the offset, or 0. How many cents are carried forward."""
    left = sums["paid"] - offset
    right = {**sums, "total": max(left, 0)}
    said = (made.claims, made.lines, _cents(made.charged), _cents(made.paid), _cents(made.total))
    (end,) = (each for _, said in read(made.content, Findings()) for each in said if isinstance(each, PaymentEnd))
    heard = (end.claims, end.lines, _cents(end.charged), _cents(end.paid), _cents(end.total))
    for name, one, other in zip(right, said, heard, strict=True):
        verify.equal(f"835 of {provider}", name, right[name], one)
        verify.equal(f"835 of {provider}", f"{name} read back", right[name], other)
    if end.faults:
        raise OutOfBalance(f"835 of {provider}: {', '.join(end.faults)}.")
    return max(-left, 0)


def _cents(amount: Any) -> int:
    return int(amount.scaleb(2))
