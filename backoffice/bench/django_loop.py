"""The six steps as a Django loop: iterator(), dictionaries of the reference tables, bulk_create of 2,000, a restart row
and a commit for each interval; step 5 in S2-42's order, the accumulator read and saved for each line [S2-42].

`python -m backoffice.bench.django_loop` works the staged lines of the benchmark's region and prints {"lines",
"seconds", "paid" (cents), "outcomes"}.
"""

import csv
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import django

EVERY = 2_000
RUN_DATE = date(2024, 1, 15)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
    django.setup()
    from claims.models import AdjudicatedClaim, Night, PricedClaim
    from claims.pipeline import bulk
    from regions.models import Region

    region = Region.objects.get(name="bench")
    night = Night.objects.create(region=region, run_date=RUN_DATE, chain=uuid4(), partitions=1)
    for model in (PricedClaim, AdjudicatedClaim):
        bulk.begin_night(model, night)
    with TemporaryDirectory() as folder:
        began = time.perf_counter()
        said = _night(region, night, Path(folder))
        said["seconds"] = time.perf_counter() - began
    sys.stdout.write(json.dumps(said) + "\n")


def _night(region: Any, night: Any, folder: Path) -> dict[str, Any]:
    from backoffice.bench import django_rules as rules

    known = rules.references(region)
    lines = _extract(region, folder)
    valid, rejected = _validate(lines, known, folder)
    priced = _price(valid, known, night, folder)
    outcomes, paid = _adjudicate(region, night, known)
    _remit(night, folder)
    outcomes["rejected"] = rejected
    return {"lines": len(lines), "priced": priced, "paid": paid, "outcomes": dict(outcomes)}


def _checkpoint(step: str, done: int) -> None:
    """The restart row of the interval."""
    from claims.models import StepSetting

    StepSetting.objects.filter(step=step).update(rationale=f"{step} after {done}")


def _written(step: str, path: Path, rows: Iterable[tuple[Any, ...]]) -> None:
    """The rows into a file, with a checkpoint for each interval."""
    from django.db import transaction

    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        for done, row in enumerate(rows, 1):
            writer.writerow(row)
            if done % EVERY == 0:
                with transaction.atomic():
                    _checkpoint(step, done)


def _extract(region: Any, folder: Path) -> list[Any]:
    from claims.models import StagedLine

    staged = StagedLine.objects.filter(batch__region=region)
    lines = list(staged.order_by("member_id", "service_date", "claim_id", "line_number").iterator(chunk_size=EVERY))
    _written("extract", folder / "extract", ((line.claim_id, line.line_number, line.billed) for line in lines))
    return lines


def _validate(lines: list[Any], known: Any, folder: Path) -> tuple[list[Any], int]:
    from backoffice.bench import django_rules as rules

    first: dict[Any, str] = {}
    for line in lines:
        key = rules.same(line)
        first[key] = min(first.get(key, line.claim_id), line.claim_id)
    faulty = {line.claim_id for line in lines if rules.reason(line, known, RUN_DATE, first)}
    valid = [line for line in lines if line.claim_id not in faulty]
    rejected = [line for line in lines if line.claim_id in faulty]
    _written("validate", folder / "valid", ((line.claim_id, line.line_number) for line in valid))
    _written("validate", folder / "reject", ((line.claim_id, line.line_number) for line in rejected))
    return valid, len(rejected)


def _price(valid: list[Any], known: Any, night: Any, folder: Path) -> int:
    """Enrich and price, as rows of the priced claims and of the audit file."""
    from django.db import transaction

    from backoffice.bench import django_rules as rules
    from claims.models import PricedClaim
    from claims.pipeline.numbers import base

    seq = base(night.pk, 0)
    with (folder / "enriched").open("w", newline="") as file, (folder / "audit").open("w", newline="") as audit:
        enriched, priced = csv.writer(file), csv.writer(audit)
        for at in range(0, len(valid), EVERY):
            rows = []
            for line in valid[at : at + EVERY]:
                seq += 1
                served = date.fromisoformat(line.service_date)
                plan, category, denial = rules.enriched(line.member_id, line.procedure_code, served, known)
                method, allowed = rules.priced(line, denial, known)
                enriched.writerow((line.claim_id, line.line_number, plan, category, denial))
                priced.writerow((line.claim_id, line.line_number, method, allowed))
                rows.append(
                    PricedClaim(
                        seq=seq, claim_id=line.claim_id, line_number=line.line_number, member_id=line.member_id,
                        provider_npi=line.provider_npi, service_date=served, plan_id=plan, category=category,
                        denial=denial, method=method, billed=int(Decimal(line.billed) * 100),
                        allowed=int(allowed * 100),
                    )
                )  # fmt: skip
            with transaction.atomic():
                PricedClaim.objects.bulk_create(rows, batch_size=EVERY)
                _checkpoint("price", at + len(rows))
    return len(valid)


def _adjudicate(region: Any, night: Any, known: Any) -> tuple[Counter[str], int]:
    from django.db import transaction

    from claims.models import AdjudicatedClaim, BeforeImage, PricedClaim
    from claims.pipeline.numbers import span

    begin, end = span(night.pk)
    outcomes: Counter[str] = Counter()
    images, paid = begin, 0
    priced = PricedClaim.objects.filter(seq__gte=begin, seq__lt=end).order_by("seq")
    for number, block in enumerate(_blocks(priced.iterator(chunk_size=EVERY)), 1):
        with transaction.atomic():
            done, before = [], []
            for claim in block:
                row, changes = _line(region, claim, known)
                for was, now in changes:
                    images += 1
                    before.append(
                        BeforeImage(
                            id=images, member_id=claim.member_id, benefit_year=claim.service_date.year,
                            checkpoint_number=number, before=was, after=now, first=claim.seq, last=claim.seq,
                        )
                    )  # fmt: skip
                paid += row.paid
                outcomes["denied" if row.denial else "paid"] += 1
                done.append(row)
            BeforeImage.objects.bulk_create(before, batch_size=EVERY)
            AdjudicatedClaim.objects.bulk_create(done, batch_size=EVERY)
            _checkpoint("adjudicate", number * EVERY)
    return outcomes, paid


def _line(region: Any, claim: Any, known: Any) -> tuple[Any, list[tuple[str, str]]]:
    """The adjudicated row, and each accumulator field before and after; the accumulator is saved."""
    from backoffice.bench import django_rules as rules
    from claims.models import Accumulator, AdjudicatedClaim

    row = AdjudicatedClaim(
        seq=claim.seq, claim_id=claim.claim_id, line_number=claim.line_number, member_id=claim.member_id,
        provider_npi=claim.provider_npi, service_date=claim.service_date, category=claim.category,
        denial=claim.denial, method=claim.method, billed=claim.billed, allowed=0, copay=0, deductible=0,
        coinsurance=0, paid=0,
    )  # fmt: skip
    if claim.denial:
        return row, []
    year = {"region_id": region.pk, "member_id": claim.member_id, "benefit_year": claim.service_date.year}
    standing = Accumulator.objects.filter(**year).first() or Accumulator(**year, fields="{}")
    met = json.loads(standing.fields)
    was = dict(met)
    benefit = known.benefits[claim.plan_id, claim.category]
    owed = rules.shares(Decimal(claim.allowed) / 100, known.plans[claim.plan_id], benefit, met)
    if owed is None:
        row.denial = 119
        return row, []
    row.allowed = claim.allowed
    row.copay, row.deductible, row.coinsurance = (int(share * 100) for share in owed)
    row.paid = row.allowed - row.copay - row.deductible - row.coinsurance
    standing.fields = json.dumps(met)
    standing.save()
    return row, [(str(was.get(name, 0)), str(value)) for name, value in met.items() if was.get(name, 0) != value]


def _blocks(rows: Iterable[Any]) -> Iterator[list[Any]]:
    block: list[Any] = []
    for row in rows:
        block.append(row)
        if len(block) == EVERY:
            yield block
            block = []
    if block:
        yield block


def _remit(night: Any, folder: Path) -> None:
    from claims.models import AdjudicatedClaim, Remittance
    from claims.pipeline.numbers import span

    begin, end = span(night.pk)
    headers: dict[str, Remittance] = {}
    claims: dict[str, set[str]] = {}
    rows = AdjudicatedClaim.objects.filter(seq__gte=begin, seq__lt=end)
    with (folder / "remittance").open("w", newline="") as file:
        writer = csv.writer(file)
        for row in rows.order_by("provider_npi", "claim_id", "line_number").iterator(chunk_size=EVERY):
            writer.writerow((row.provider_npi, row.claim_id, row.line_number, row.billed, row.paid, row.denial))
            header = headers.setdefault(
                row.provider_npi,
                Remittance(night=night, provider_npi=row.provider_npi, claims=0, lines=0, billed=0, paid=0),
            )
            claims.setdefault(row.provider_npi, set()).add(row.claim_id)
            header.lines, header.billed, header.paid = (
                header.lines + 1,
                header.billed + row.billed,
                header.paid + row.paid,
            )
            header.claims = len(claims[row.provider_npi])
    Remittance.objects.bulk_create(headers.values(), batch_size=EVERY)


if __name__ == "__main__":
    main()
