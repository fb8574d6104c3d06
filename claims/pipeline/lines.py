"""Claim lines into the staging table, as they were delivered, and the keys that must not come once more."""

from datetime import date
from pathlib import Path
from typing import Any
from zlib import crc32

from django.db import connection, models

from backoffice.runs.models import Run, RunStatus
from claims.models import Night, StagedBatch, StagedLine
from claims.pipeline.delivered import Problems, rows
from claims.pipeline.numbers import span

LINES = "claim_lines.csv"
LINE_COLUMNS = (
    "claim_id", "line_number", "member_id", "provider_npi", "service_date", "received_date", "procedure_code", "units",
    "billed",
)  # fmt: skip
BLOCK = 20_000


def load_lines(path: Path, batch: StagedBatch, problems: Problems) -> int:
    """Copy the lines; a claim id and a whole line number they must have."""
    block: list[tuple[Any, ...]] = []
    total = 0
    for where, row in rows(path, LINE_COLUMNS, problems):
        claim, number = row["claim_id"], row["line_number"]
        if not claim or len(claim) > 40:
            problems.add(where, "claim_id is empty or longer than 40 characters")
        elif not (number.isascii() and number.isdigit() and 0 < int(number[:10]) < 2**31 and len(number) <= 10):
            problems.add(where, f"line_number is no whole number from 1: {number[:20]!r}")
        elif long := next((name for name in LINE_COLUMNS[2:] if len(row[name]) > _LENGTHS[name]), None):
            problems.add(where, f"{long} is longer than {_LENGTHS[long]} characters")
        else:
            member = row["member_id"]
            block.append(
                (batch.pk, claim, int(number), *(row[name] for name in LINE_COLUMNS[2:]), crc32(member.encode()))
            )
            total += 1
        if len(block) >= BLOCK:
            _stage(block)
            block.clear()
    _stage(block)
    return total


_LENGTHS = {
    field.name: field.max_length or 0 for field in StagedLine._meta.fields if isinstance(field, models.CharField)
}
_COLUMNS = ("batch_id", *LINE_COLUMNS, "member_hash")


def _stage(block: list[tuple[Any, ...]]) -> None:
    table, columns = StagedLine._meta.db_table, ", ".join(_COLUMNS)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                for row in block:
                    copy.write_row(row)
            return
        marks = ", ".join("?" * len(_COLUMNS))
        cursor.cursor.connection.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", block)  # noqa: S608


def refuse_keys(batch: StagedBatch, problems: Problems) -> None:
    """Keys that occur twice, wait already in another batch, belong to a night that can still be continued, or were
    adjudicated in one that is complete."""
    line = StagedLine._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT claim_id, line_number, count(*) FROM {line} WHERE batch_id = %s"  # noqa: S608
            " GROUP BY claim_id, line_number HAVING count(*) > 1 ORDER BY 1, 2",
            [batch.pk],
        )
        for claim, number, times in cursor.fetchall():
            problems.add(LINES, f"claim {claim} line {number} occurs {times} times")
        others = StagedBatch.objects.filter(region=batch.region).exclude(pk=batch.pk)
        for other in others.filter(run_date=None):
            cursor.execute(_SHARED.format(line=line), [batch.pk, other.pk])
            for claim, number in cursor.fetchall():
                problems.add(
                    LINES, f"claim {claim} line {number} is staged already, in batch {other.pk}, for the next night"
                )
        for other in others.exclude(run_date=None):
            night = Night.objects.filter(region=batch.region, run_date=other.run_date or date.min).first()
            if night is None or not Run.objects.filter(chain=night.chain, status=RunStatus.COMPLETE).exists():
                cursor.execute(_SHARED.format(line=line), [batch.pk, other.pk])
                what = f"belongs to the night of {other.run_date}, which is not complete"
            else:
                cursor.execute(_ADJUDICATED.format(line=line), [batch.pk, other.pk, *span(night.pk)])
                what = f"was adjudicated on {other.run_date} already"
            for claim, number in cursor.fetchall():
                problems.add(LINES, f"claim {claim} line {number} {what}")


_SHARED = (
    "SELECT fresh.claim_id, fresh.line_number FROM {line} AS fresh JOIN {line} AS old"
    " ON old.claim_id = fresh.claim_id AND old.line_number = fresh.line_number"
    " WHERE fresh.batch_id = %s AND old.batch_id = %s ORDER BY 1, 2"
)
_ADJUDICATED = _SHARED.replace(
    " ORDER BY",
    " AND EXISTS (SELECT 1 FROM claims_adjudicatedclaim AS done WHERE done.claim_id = old.claim_id"
    " AND done.line_number = old.line_number AND done.seq >= %s AND done.seq < %s) ORDER BY",
)
