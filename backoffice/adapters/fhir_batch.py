"""Many small requests as batches; one by one, several at once, where the server knows no batch."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

from backoffice.adapters import fhir_json
from backoffice.adapters.fhir_chunks import Limit, TooLarge, in_chunks
from backoffice.adapters.fhir_json import Unreadable
from backoffice.adapters.fhir_outcome import (
    NO_BATCH,
    PASSING,
    code_of,
    entry_status,
    is_too_large,
    issue_type_of_body,
)
from backoffice.adapters.fhir_types import FhirRefused, FhirUnavailable
from backoffice.adapters.fhir_wire import FHIR_JSON, OF_THE_REGION, RETRIES, Request, Wire, WriteUnanswered
from backoffice.adapters.http import Answer

UNANSWERED: Final = "unanswered"
FORM: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One request of a batch. `body` is JSON text. A search has `form`, which is sent in its place outside a batch:
    no identifier is ever part of an address that we call. `alone`, `alone_type`: the body outside a batch.
    """

    method: str
    url: str
    form: bytes = b""
    body: bytes = field(default=b"", repr=False)
    if_match: str = ""
    alone: bytes = field(default=b"", repr=False)
    alone_type: str = FHIR_JSON

    def text(self) -> bytes:
        """As an entry of a batch."""
        request = {"method": self.method, "url": self.url} | ({"ifMatch": self.if_match} if self.if_match else {})
        resource = b'"resource":' + self.body + b"," if self.body else b""
        return b"{" + resource + b'"request":' + fhir_json.write(request) + b"}"


@dataclass(frozen=True, kw_only=True, slots=True)
class EntryAnswer:
    """What came of one entry. `fault`: a code of FhirUnavailable, or UNANSWERED, and then nothing else is known.

    status 0: the answer has none for this entry. doubt: an earlier try may have been carried out.
    """

    status: int = 0
    issue: str = ""
    resource: Any = field(default=None, repr=False)
    etag: str = ""
    location: str = field(default="", repr=False)
    doubt: bool = False
    fault: str = ""


class _NoBatch(Exception):
    """The server does not know batches, or not from us; `status` is what it says."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Batches:
    """Sends entries to one server, at most `most` or `most_bytes` in a batch. Safe to share between threads."""

    def __init__(self, wire: Wire, *, batch: bool, most: int, most_bytes: int) -> None:
        self._wire, self._batch, self._most_bytes = wire, batch, most_bytes
        self._limit = Limit(most)
        self._proved = False  # it has answered a batch

    def run(self, kind: str, entries: Sequence[Entry], *, writes: bool, prefer: str) -> list[EntryAnswer]:
        """The answer to each entry; entries that met a status of S1-19 in a batch are sent again, up to three times.

        Raises FhirRefused and PaceUnavailable; every other fault is in the answers.
        """
        call = partial(self._once, kind, writes=writes, prefer=prefer)
        answers = call(entries)
        for attempt in range(1, RETRIES + 1):
            again = [number for number, answer in enumerate(answers) if answer.status in PASSING]
            if not again:
                break
            self._wire.count("retries")
            of_the_region = any(answers[number].status in OF_THE_REGION for number in again)
            self._wire.pause(attempt, of_the_region=of_the_region)
            for number, answer in zip(again, call([entries[number] for number in again]), strict=True):
                doubt = answers[number].doubt or answers[number].status not in OF_THE_REGION
                answers[number] = replace(answer, doubt=answer.doubt or doubt)
        return answers

    def _once(self, kind: str, entries: Sequence[Entry], *, writes: bool, prefer: str) -> list[EntryAnswer]:
        if self._batch:
            sized = [(entry, entry.text()) for entry in entries]
            try:
                return in_chunks(
                    sized,
                    self._limit,
                    lambda chunk: self._bundle(kind, [text for _, text in chunk], writes, prefer),
                    lambda _: EntryAnswer(fault="too_large"),
                    size=lambda item: len(item[1]) + 1,
                    most_bytes=self._most_bytes,
                )
            except _NoBatch:
                self._batch = False
        return self._singly(partial(self._single, kind, writes=writes, prefer=prefer), entries)

    def _bundle(self, kind: str, texts: Sequence[bytes], writes: bool, prefer: str) -> list[EntryAnswer]:
        body = b'{"resourceType":"Bundle","type":"batch","entry":[' + b",".join(texts) + b"]}"
        request = Request(
            kind=f"{kind}_batch",
            method="POST",
            url=self._wire.base,
            body=body,
            prefer=prefer,
            entries=len(texts),
            writes=writes,
        )
        self._wire.count("entries", len(texts))
        try:
            answers = self._wire.ask(request, partial(_answers, len(texts), writes))
        except FhirUnavailable as fault:
            return [EntryAnswer(fault=fault.code)] * len(texts)
        except _NoBatch as refusal:
            if not self._proved:
                raise
            return [EntryAnswer(fault=code_of(refusal.status, ""))] * len(texts)
        except WriteUnanswered:
            return [EntryAnswer(fault=UNANSWERED)] * len(texts)
        self._proved = True
        return answers

    def _singly(self, send: Callable[[Entry], EntryAnswer], entries: Sequence[Entry]) -> list[EntryAnswer]:
        if len(entries) < 2:
            return [send(entry) for entry in entries]
        pool = ThreadPoolExecutor(min(self._wire.speed.connections, len(entries)))
        try:
            return [future.result() for future in [pool.submit(copy_context().run, send, entry) for entry in entries]]
        finally:
            pool.shutdown(cancel_futures=True)  # after a refusal, the rest is not sent

    def _single(self, kind: str, entry: Entry, *, writes: bool, prefer: str) -> EntryAnswer:
        request = Request(
            kind=kind,
            method="POST" if entry.form else entry.method,
            url=f"{self._wire.base}/{'Patient/_search' if entry.form else entry.url}",
            body=entry.form or entry.alone or entry.body or None,
            content_type=FORM if entry.form else entry.alone_type,
            prefer=prefer,
            if_match=entry.if_match,
            writes=writes,
        )
        try:
            return self._wire.ask(request, partial(_answer, bool(entry.form)))
        except FhirUnavailable as fault:
            return EntryAnswer(fault=fault.code)
        except WriteUnanswered:
            return EntryAnswer(fault=UNANSWERED)


def _answers(number: int, writes: bool, answer: Answer, doubt: bool) -> list[EntryAnswer]:
    """The answers of a batch-response, by index; with another number of them, nobody knows whose they are."""
    issue = issue_type_of_body(answer.body) if answer.status >= 400 else ""
    if is_too_large(answer.status, issue) or (answer.cut and not writes):
        raise TooLarge
    if answer.status in (403, *NO_BATCH) or (answer.status in (400, 422) and issue == "not-supported"):
        raise _NoBatch(answer.status)
    if answer.status != 200:
        raise FhirUnavailable(code_of(answer.status, issue))
    bundle = fhir_json.read(answer.body)
    entries = bundle.get("entry", [])
    if bundle.get("resourceType") != "Bundle" or not isinstance(entries, list) or len(entries) != number:
        raise Unreadable("entry")
    return [_entry_answer(entry, doubt) for entry in entries]


def _entry_answer(entry: Any, doubt: bool) -> EntryAnswer:
    status, issue = entry_status(entry)
    if not status:
        return EntryAnswer(doubt=doubt)
    response = entry["response"]
    return EntryAnswer(
        status=status,
        issue=issue,
        resource=entry.get("resource"),
        etag=str(response.get("etag", "")),
        location=str(response.get("location", "")),
        doubt=doubt,
    )


def _answer(searches: bool, answer: Answer, doubt: bool) -> EntryAnswer:
    if searches and answer.status == 403:
        raise FhirRefused("The FHIR server lets us search no patients (HTTP 403): give the region's client the right.")
    if searches and answer.status in NO_BATCH:
        raise FhirRefused(f"There is no FHIR server at FHIR_SERVER_URL (HTTP {answer.status}): correct the address.")
    issue = issue_type_of_body(answer.body) if answer.status >= 400 else ""
    if is_too_large(answer.status, issue) or answer.cut:
        raise FhirUnavailable("too_large")
    readable = answer.status == 200 and answer.body
    return EntryAnswer(
        status=answer.status,
        issue=issue,
        resource=fhir_json.read(answer.body) if readable else None,
        etag=answer.etag,
        doubt=doubt,
    )
