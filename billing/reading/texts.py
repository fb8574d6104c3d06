"""Reports that are not X12: what they name of ours is kept as events that move nothing. Source: edi.md 3."""

import re
from collections.abc import Iterator

from billing.events import in_portions
from billing.models import Batch, Claim, Document
from billing.reading.said import Mark, Statement, kept, key_of
from billing.reading.scope import Reading
from billing.reading.source import bytes_of
from claims.edi.classify import Kind, decoded
from claims.edi.findings import Findings
from claims.edi.reports import FileSummary, read_file_summary, read_status_report

TOKEN = re.compile(r"[A-Z0-9]{4,20}")


def from_text(reading: Reading, document: Document, findings: Findings) -> Iterator[Statement | Mark]:
    """What a file without sets says. Nothing, of a kind that is only kept."""
    if document.kind == Kind.FILE_SUMMARY:
        yield from _from_summary(reading, read_file_summary(bytes_of(document), findings))
    elif document.kind == Kind.STATUS_REPORT:
        yield from _from_status_report(reading, document, findings)


def _from_summary(reading: Reading, summary: FileSummary) -> Iterator[Statement | Mark]:
    """It names the file as we have sent it, which shows that the file arrived."""
    for batch in Batch.objects.filter(region=reading.region, document__name=kept(summary.name, 255)):
        yield Mark(batch=batch.pk)
    for row in summary.rows:
        yield Statement(
            kind=Kind.FILE_SUMMARY,
            reference=row.account,
            key=key_of(Kind.FILE_SUMMARY, row.account, row.clearinghouse_claim, row.outcome, row.errors),
            segment=row.line,
            code=row.outcome,
            says=" ".join(kept(summary.legend.get(error, error), 120) for error in row.errors),
            detail={"clearinghouse_claim": row.clearinghouse_claim, "errors": list(row.errors)},
        )


def _from_status_report(reading: Reading, document: Document, findings: Findings) -> Iterator[Statement]:
    data = bytes_of(document)
    tokens = sorted(set(TOKEN.findall(decoded(data) or "")))
    ours: set[str] = set()
    for some in in_portions(tokens):
        ours.update(Claim.objects.filter(region=reading.region, control__in=some).values_list("control", flat=True))
    for line, account in read_status_report(data, ours, findings):
        yield Statement(
            kind=Kind.STATUS_REPORT,
            reference=account,
            key=key_of(Kind.STATUS_REPORT, document.sha256, line, account),
            segment=line,
            says=f"Named on line {line} of the report.",
        )
