"""What was decided is written, in the chunk's one transaction: a set, a report, or the end of a file."""

from django.utils import timezone

from backoffice.runs.job import Result
from billing.inbox.storing import as_stored
from billing.linking import found_later
from billing.models import Document
from billing.reading.judging import KEPT, NOT_OURS, UNREADABLE, Decided
from billing.reading.posting import post
from billing.reading.said import Place
from billing.reading.scope import Reading
from billing.reading.texts import from_text
from billing.reading.walking import FileEnd, FileRead, Found, SetRead
from billing.reading.weighing import statements
from billing.reading.writing import write
from claims.edi.findings import Findings

HARMLESS = frozenset(("cp1252", "isa-length"))


def commit(reading: Reading, result: Result) -> None:
    rows = result.rows
    if isinstance(rows, Found):
        found_later(rows.answers)
    elif isinstance(rows, FileEnd):
        _end(rows)
    elif isinstance(rows.work, SetRead):
        _write_set(reading, rows, rows.work)
    elif rows.outcome not in (KEPT, UNREADABLE):
        _write_file(reading, rows.work)


def _write_set(reading: Reading, decided: Decided, work: SetRead) -> None:
    """The set is read once more here, as it is written."""
    if decided.outcome in (NOT_OURS, KEPT):
        return
    if decided.payment is not None:
        post(reading, decided, work)
    else:
        told = statements(reading, *work.again.set(work.transaction, work.place))
        write(told, work.document, work.where)


def _write_file(reading: Reading, work: FileRead) -> None:
    write(from_text(reading, work.document, Findings()), work.document, Place())


def _end(end: FileEnd) -> None:
    document = end.document
    document.state = _state_of(end)
    document.findings = as_stored(end.findings)
    document.envelopes = end.envelopes
    more = {"findings_more": end.findings.more} if end.findings.more else {}
    document.said = {**document.said, **end.tally, **more}
    document.read_at = timezone.now()
    document.save(update_fields=("state", "findings", "envelopes", "said", "read_at"))


def _state_of(end: FileEnd) -> Document.State:
    if end.tally.get(UNREADABLE):
        return Document.State.UNREADABLE
    lost = any(each.code not in HARMLESS for each in end.findings.found)
    return Document.State.PARTLY if lost else Document.State.READ
