"""What a night came to, as files: adjudicated.csv, rejected.csv, accumulators.csv, and the remittances by provider,
with the 835s that were written."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from functools import reduce
from itertools import chain, groupby
from operator import itemgetter, or_
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.db import connections
from django.db.models import Count, Q

from backoffice.formats import count
from backoffice.runs.faults import Misuse
from backoffice.runs.models import StepState
from claims.models import AdjudicatedClaim, BeforeImage, Night, OutputFile, PricedClaim, Remittance
from claims.pipeline import accumulators, adjudicate, bulk, documents, files, price, remit, shares, validate, verify
from claims.pipeline.digest import digest
from claims.pipeline.numbers import NIGHT, span
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
    """Write the files into the folder, which is made; the header of all remittances is the first row of theirs. Nobody
    but who runs this may read them: they hold data of patients.

    Misuse, with nothing written, where the folder holds remittances of another night: they would pass for its own.
    """
    own = set(map(file_of, Remittance.objects.filter(night=night).values_list("provider_npi", flat=True)))
    _refuse_others(own, folder / "remittances", "*.csv")
    payments = {document.name.rpartition("/")[2]: document for document in documents.documents_of(night)}
    _refuse_others(set(payments), folder / documents.FOLDER, "*.835")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    written = [
        _write(folder / "adjudicated.csv", ADJUDICATED, adjudicated(night)),
        _write(folder / "rejected.csv", REJECTED, rejected(night)),
        _write(folder / "accumulators.csv", ACCUMULATORS, accumulator_rows(night)),
        _write(folder / "remittances.csv", REMITTANCES, chain([header(night)], headers(night))),
        _write(folder / "digests.csv", DIGESTS, digests(night)),
    ]
    (folder / "remittances").mkdir(mode=0o700, exist_ok=True)
    for provider, rows in advices(night):
        written.append(_write(folder / "remittances" / file_of(provider), ADVICE, rows))
    for name, document in payments.items():
        (folder / documents.FOLDER).mkdir(mode=0o700, exist_ok=True)
        draft = folder / documents.FOLDER / f"{name}.part"
        with open(draft, "wb", opener=_private) as file:
            file.write(documents.hand_out(document))
        written.append(draft.replace(folder / documents.FOLDER / name))
    return written


def file_of(provider: str) -> str:
    """The name of its remittance. Who delivered the provider's number chose it: it must not become a path."""
    return f"{quote(provider, safe='')}.csv"


def _refuse_others(own: set[str], folder: Path, pattern: str) -> None:
    if others := {path.name for path in folder.glob(pattern)} - own:
        held = count(len(others), "remittance")
        raise Misuse(f"{folder} holds {held} of another night, such as {min(others)}. Name a new one.")


def dollars(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}" if cents >= 0 else f"-{dollars(-cents)}"


def adjudicated(night: Night) -> Iterator[tuple[Any, ...]]:
    """By claim and line."""
    columns = "denial", "method", "billed", "allowed", "copay", "deductible", "coinsurance", "paid"
    statement = (
        f"SELECT claim_id, line_number, member_id, provider_npi, {', '.join(columns)}"  # noqa: S608
        f" FROM {bulk.table_of(AdjudicatedClaim, night)} WHERE seq >= %s AND seq < %s"
        " ORDER BY claim_id, line_number"
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
    """All of the region that are not zero, as the night left them: what later nights have changed is taken back."""
    later = _later_nights(night)
    with connections[accumulators.database()].chunked_cursor() as cursor:
        cursor.execute(
            "SELECT member_id, benefit_year, fields FROM claims_accumulator WHERE region_id = %s"
            " ORDER BY member_id, benefit_year",
            [night.region_id],
        )
        while rows := cursor.fetchmany(BLOCK):
            before = _before_later_nights(later, [member for member, *_ in rows])
            for member, year, standing in rows:
                fields = before.get((member, year), standing) or "{}"
                for name, value in sorted(json.loads(fields).items()):
                    yield member, year, name, value if name.startswith("visits:") else dollars(value)


def _later_nights(night: Night) -> dict[int, date]:
    """By number: a night that was undone and run again later than its neighbours has a smaller one than they."""
    nights = Night.objects.filter(region=night.region_id, run_date__gt=night.run_date)
    return dict(nights.values_list("pk", "run_date"))


def _before_later_nights(later: dict[int, date], members: Sequence[str]) -> dict[tuple[str, int], str | None]:
    """What stood of these members' years before the first later change; None where nothing did."""
    if not later:
        return {}
    of_nights = reduce(or_, (Q(id__gte=begin, id__lt=end) for begin, end in map(span, later)))
    images = BeforeImage.objects.filter(of_nights, member_id__in=set(members))
    rows = images.values_list("id", "member_id", "benefit_year", "before")
    latest_first = sorted(rows, key=lambda row: (later[row[0] // NIGHT], row[0]), reverse=True)
    return {(member, year): before for _, member, year, before in latest_first}


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
    tables = {price.OUTPUT: (PricedClaim, price.COLUMNS), adjudicate.OUTPUT: (AdjudicatedClaim, shares.COLUMNS)}
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


def _private(path: str, flags: int) -> int:
    """Mode 0600, also of what an earlier export has left."""
    file = os.open(path, flags, 0o600)
    os.fchmod(file, 0o600)
    return file


def _write(path: Path, columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> Path:
    """Whole, or not at all: what breaks off lies under another name."""
    draft = path.with_name(f"{path.name}.part")
    with open(draft, "w", newline="", encoding="utf-8", opener=_private) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
    return draft.replace(path)
