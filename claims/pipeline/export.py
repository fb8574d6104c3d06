"""What a night came to, as files: adjudicated.csv, rejected.csv, accumulators.csv, and the remittances by provider."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from itertools import chain, groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from django.db import connections
from django.db.models import Count

from backoffice.runs.models import StepState
from claims.models import AdjudicatedClaim, Night, OutputFile, PricedClaim, Remittance
from claims.pipeline import accumulators, adjudicate, bulk, files, price, remit, validate, verify
from claims.pipeline.digest import digest
from claims.pipeline.numbers import span
from claims.pipeline.price import METHODS

ADJUDICATED = (
    "claim_id", "line_number", "member_id", "provider_npi", "status", "denial_code", "pricing_method", "billed",
    "allowed", "copay", "deductible", "coinsurance", "paid",
)  # fmt: skip
REJECTED = ("claim_id", "line_number", "reason")
ACCUMULATORS = ("member_id", "benefit_year", "field_name", "value")
REMITTANCES = ("provider_npi", "claims", "lines", "billed", "paid")
DIGESTS = ("output", "records", "dollars", "sha256")
ADVICE = (
    "claim_id", "line_number", "billed", "paid", "group", "reason", "amount",
)  # fmt: skip
BLOCK = 20_000


def export(night: Night, folder: Path) -> list[Path]:
    """Write the files into the folder, which is made; the header of all remittances is the first row of theirs."""
    folder.mkdir(parents=True, exist_ok=True)
    written = [
        _write(folder / "adjudicated.csv", ADJUDICATED, adjudicated(night)),
        _write(folder / "rejected.csv", REJECTED, rejected(night)),
        _write(folder / "accumulators.csv", ACCUMULATORS, accumulator_rows(night)),
        _write(folder / "remittances.csv", REMITTANCES, chain([header(night)], headers(night))),
        _write(folder / "digests.csv", DIGESTS, digests(night)),
    ]
    (folder / "remittances").mkdir(exist_ok=True)
    for provider, rows in advices(night):
        written.append(_write(folder / "remittances" / f"{provider}.csv", ADVICE, rows))
    return written


def dollars(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"


def adjudicated(night: Night) -> Iterator[tuple[Any, ...]]:
    """By claim and line."""
    binary = ' COLLATE "C"' if connections["default"].vendor == "postgresql" else ""
    columns = "denial", "method", "billed", "allowed", "copay", "deductible", "coinsurance", "paid"
    statement = (
        f"SELECT claim_id, line_number, member_id, provider_npi, {', '.join(columns)}"  # noqa: S608
        f" FROM {bulk.table_of(AdjudicatedClaim, night)} WHERE seq >= %s AND seq < %s"
        f" ORDER BY claim_id{binary}, line_number"
    )
    for claim, line, member, provider, denial, method, *cents in _rows(statement, night):
        status, code = ("DENIED", denial) if denial else ("PAID", "")
        yield claim, line, member, provider, status, code, METHODS[method], *map(dollars, cents)


def _rows(statement: str, night: Night) -> Iterator[tuple[Any, ...]]:
    with connections["default"].chunked_cursor() as cursor:
        cursor.execute(statement, list(span(night.pk)))
        while rows := cursor.fetchmany(BLOCK):
            yield from rows


def rejected(night: Night) -> Iterator[tuple[Any, ...]]:
    """One row for each claim, by claim."""
    for row in OutputFile.objects.filter(night=night, output=validate.DECISIONS):
        yield from files.load(row, REJECTED).sort("claim_id").iter_rows()


def accumulator_rows(night: Night) -> Iterator[tuple[Any, ...]]:
    """All of the region that are not zero, as they stand now."""
    connection = connections[accumulators.database()]
    binary = ' COLLATE "C"' if connection.vendor == "postgresql" else ""
    with connection.chunked_cursor() as cursor:
        cursor.execute(
            "SELECT member_id, benefit_year, fields FROM claims_accumulator WHERE region_id = %s"  # noqa: S608
            f" ORDER BY member_id{binary}, benefit_year",
            [night.region_id],
        )
        while rows := cursor.fetchmany(BLOCK):
            for member, year, fields in rows:
                for name, value in sorted(json.loads(fields).items()):
                    yield member, year, name, value if name.startswith("visits:") else dollars(value)


def header(night: Night) -> tuple[Any, ...]:
    """Of all remittances together: the figures that the last step verified, which are adjudication's [S2-43]."""
    verified = verify.control(night, "remit")[remit.OUTPUT]
    begin, end = span(night.pk)
    claims = AdjudicatedClaim.objects.filter(seq__gte=begin, seq__lt=end).aggregate(n=Count("claim_id", distinct=True))
    return "ALL", claims["n"], verified["count"], dollars(verified["billed"]), dollars(verified["cents"])


def headers(night: Night) -> Iterator[tuple[Any, ...]]:
    for row in Remittance.objects.filter(night=night).order_by("provider_npi").iterator():
        yield row.provider_npi, row.claims, row.lines, dollars(row.billed), dollars(row.paid)


def advices(night: Night) -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
    """Each provider with its lines, one row for each adjustment; a line that is paid as billed has one without."""
    lines = (line for row in files.of_output(night, remit.OUTPUT) for line in files.load(row).iter_rows(named=True))
    for provider, of_provider in groupby(lines, key=itemgetter("provider_npi")):
        yield provider, [found for line in of_provider for found in _adjustments(line)]


def digests(night: Night) -> Iterator[tuple[Any, ...]]:
    """Each output with its verified count and cents, and the SHA-256 of its rows by claim and line as they lie there
    now: two nights, however they were divided and restarted, came to the same where these are the same [X-13]."""
    tables = {price.OUTPUT: (PricedClaim, price.COLUMNS), adjudicate.OUTPUT: (AdjudicatedClaim, adjudicate.COLUMNS)}
    for state in StepState.objects.filter(chain=night.chain).order_by("sequence"):
        for output, figures in state.outputs.items():
            if output in tables:
                rows = bulk.rows(tables[output][0], night, tables[output][1])
            else:
                rows = (files.load(row) for row in files.of_output(night, output))
            if "cents" in figures:
                yield output, figures["count"], dollars(figures["cents"]), digest(rows)


def _adjustments(line: dict[str, Any]) -> Iterable[tuple[Any, ...]]:
    known = (line["claim_id"], line["line_number"], dollars(line["billed"]), dollars(line["paid"]))
    amounts = [
        ("CO", 45, line["co_45"]), ("PR", 1, line["pr_1"]), ("PR", 2, line["pr_2"]), ("PR", 3, line["pr_3"]),
        (line["denied_group"], line["denial"], line["denied_amount"]),
    ]  # fmt: skip
    found = [(*known, group, reason, dollars(amount)) for group, reason, amount in amounts if amount]
    return found or [(*known, "", "", "")]


def _write(path: Path, columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
    return path
