"""The order of a reading: answers whose claim is there by now, then each file that was not read, set by set.

Each set is judged to its end before anything of it is written; neither reading holds more than a claim. It is read
again to be written, but for a payment of few enough claims to be held until then (payments.HELD). The checkpoint is the
file, the set in it, and what the sets before came to.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from backoffice.runs.job import Chunk, Json
from billing.models import Answer, Claim, Document
from billing.reading.said import Place, kept
from billing.reading.scope import Reading
from billing.reading.source import stream_of
from claims.edi.answers import Said, read
from claims.edi.classify import Kind
from claims.edi.envelope import Transaction
from claims.edi.findings import Findings

AT_ONCE = 500
ENVELOPES_KEPT = 1000
WITHOUT_SETS = frozenset((Kind.FILE_SUMMARY, Kind.STATUS_REPORT, Kind.PAYMENT_REPORT, Kind.TEXT, Kind.ZIP))
Read = tuple[Transaction, Iterable[Said]]


@dataclass(kw_only=True, slots=True)
class Found:
    """Answers that found no claim before, each with the claim that there is now."""

    answers: list[tuple[Answer, int]]


class Again:
    """A file's sets a second time, for writing: opened when the first is asked for, and read forwards only."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._sets: Iterator[Read] | None = None
        self._at = 0

    def set(self, transaction: Transaction, place: int) -> Read:
        """The set that is this one in the first reading, by its place in the file from 1. Each at most once."""
        if self._sets is None:
            self._sets = read(stream_of(self._document), Findings())
        while self._at < place:
            found, said = next(self._sets)
            self._at += 1
        if (found.key, found.segment) != (transaction.key, transaction.segment):
            raise RuntimeError("two readings of a file have come apart")
        return found, said


@dataclass(kw_only=True, slots=True)
class SetRead:
    """A set: `said` is for judging it, `again` gives it a second time, for writing. `elsewhere`: it is addressed to
    others than us. `tally`: the file's outcomes."""

    document: Document
    place: int
    transaction: Transaction
    said: Iterable[Said]
    again: Again
    elsewhere: bool
    tally: dict[str, int]

    @property
    def where(self) -> Place:
        return Place(
            number=self.place,
            set_number=kept(self.transaction.number, 9),
            before=max(0, self.transaction.segment - 1),
        )


@dataclass(kw_only=True, slots=True)
class FileRead:
    """A file in which no set is read."""

    document: Document
    findings: Findings
    tally: dict[str, int]


@dataclass(kw_only=True, slots=True)
class FileEnd:
    """A file that was read to its end."""

    document: Document
    findings: Findings
    envelopes: list[list[str]]
    tally: dict[str, int]


@dataclass(kw_only=True, slots=True)
class _File:
    document: Document
    done: int
    tally: dict[str, int]
    findings: Findings = field(default_factory=Findings)
    envelopes: list[list[str]] = field(default_factory=list)

    def place(self, number: int) -> Json:
        return {"document": self.document.pk, "set": number, "said": self.tally}


def chunks(reading: Reading, checkpoint: Json | None) -> Iterator[Chunk]:
    place: Json = checkpoint or {"answer": 0}
    if "answer" in place:
        yield from _answers(reading, int(place["answer"]))
    waiting = Document.objects.filter(
        region=reading.region, direction=Document.Direction.RECEIVED, state=Document.State.NEW
    ).order_by("pk")
    at, done, of = int(place.get("document", 0)), 0, waiting.count()
    while document := waiting.filter(pk__gte=at).first():
        again = document.pk == place.get("document")
        file = _File(
            document=document,
            done=int(place["set"]) if again else 0,
            tally=dict(place["said"]) if again else {},
        )
        at, done = document.pk + 1, done + 1
        for data, number in _of_file(reading, file):
            yield Chunk(data=data, checkpoint=file.place(number), done=done - 1, of=of, label=f"file {done} of {of}")
        yield Chunk(
            data=FileEnd(
                document=document, findings=file.findings, envelopes=file.envelopes, tally=file.tally
            ),
            checkpoint={"document": at, "set": 0, "said": {}},
            done=done,
            of=of,
        )  # fmt: skip


def _answers(reading: Reading, after: int) -> Iterator[Chunk]:
    """Those whose claim is there by now."""
    waiting = Answer.objects.filter(region=reading.region, resolved_at=None, claim=None).order_by("pk")
    while some := list(waiting.filter(pk__gt=after)[:AT_ONCE]):
        after = some[-1].pk
        controls = {answer.reference for answer in some if answer.reference and answer.detail.get("of_claim")}
        claims = dict(Claim.objects.filter(region=reading.region, control__in=controls).values_list("control", "pk"))
        found = [
            (answer, claims[answer.reference])
            for answer in some
            if answer.detail.get("of_claim") and answer.reference in claims
        ]
        if found:
            yield Chunk(data=Found(answers=found), checkpoint={"answer": after}, label="answers kept before")


def _of_file(reading: Reading, file: _File) -> Iterator[tuple[SetRead | FileRead, int]]:
    """With the number of sets that are done after it. What was done before is passed over."""
    number = 0
    if file.document.kind not in WITHOUT_SETS:
        once, again = read(stream_of(file.document), file.findings), Again(file.document)
        for number, (transaction, said) in enumerate(once, start=1):
            elsewhere = _is_elsewhere(reading, file, transaction)
            if number <= file.done:
                for _ in said:
                    pass
                continue
            work: dict[str, Any] = {"transaction": transaction, "said": said, "again": again, "elsewhere": elsewhere}
            yield SetRead(document=file.document, place=number, tally=file.tally, **work), number
    if not number and not file.done:
        yield FileRead(document=file.document, findings=file.findings, tally=file.tally), 1


def addressee(transaction: Transaction) -> str:
    """GS03, else ISA08."""
    return transaction.group_receiver or transaction.receiver


def _is_elsewhere(reading: Reading, file: _File, transaction: Transaction) -> bool:
    """Whether it is addressed to others than us, which is a finding; and its envelope's numbers are kept."""
    if len(file.envelopes) < ENVELOPES_KEPT:
        numbers = (transaction.interchange, transaction.group, transaction.kind, transaction.number)
        file.envelopes.append([kept(number, 14) for number in numbers])
    elsewhere = bool(reading.addresses) and addressee(transaction) not in reading.addresses
    if elsewhere:
        file.findings.add(f"segment {transaction.segment}", "other-receiver")
    return elsewhere
