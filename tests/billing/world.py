"""A region with services and the billing data that they need, and runs of claim_services in this process."""

import csv
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

from django.db.models import QuerySet, Sum
from django.utils import timezone

from backoffice.runs.models import Run, RunStatus
from billing.loading import load
from billing.loading_files import FILES
from billing.models import Claim
from clinic.models import ServiceWrite, WriteState
from clinic.money import dollars, in_cents
from regions.models import Region
from tests.factories import RegionFactory
from tests.running import finish, start

Rows = list[dict[str, str]]
PATIENT = {
    "patient_id": "P1", "member_id": "M100", "last": "Dvorak", "first": "Hana", "birth_date": "1980-02-29", "sex": "F",
    "street": "12 Elm St", "city": "Omaha", "state": "NE", "zip_code": "68102", "payer_id": "PRM01",
}  # fmt: skip
PAYER = {"payer_id": "PRM01", "name": "Prairie Mutual", "filing_days": "365", "enrolled": "true"}
PROVIDER = {
    "department_id": "D1", "npi": "1245319599", "tax_id": "476405054", "taxonomy": "207Q00000X", "name": "Omaha Clinic",
    "street": "1 Farnam St", "city": "Omaha", "state": "NE", "zip_code": "681020001", "phone": "4022345678",
}  # fmt: skip
VISIT = {"block_code": "V", "hcpcs": "99213", "place_of_service": "11", "kind": "MED"}
TEST = {"block_code": "T", "hcpcs": "G0103", "modifiers": "59", "place_of_service": "22", "kind": "MED"}
RIDE = {"block_code": "R", "hcpcs": "T2003", "modifiers": "U1", "place_of_service": "99", "kind": "NONMED"}
DIAGNOSES: Rows = [
    {"case_id": "C1", "position": "2", "icd10": "E119"}, {"case_id": "C1", "position": "1", "icd10": "I10"},
]  # fmt: skip
SERVICE = {
    "service_id": "S1", "patient_id": "P1", "department_id": "D1", "case_id": "C1", "day": "2026-11-02",
    "block_code": "V", "quantity": "2", "price": "40.25",
}  # fmt: skip
_numbers = count(1)


def tables(**others: Rows) -> dict[str, Rows]:
    """Everything that a visit of P1 in D1 for case C1 needs; tables that are given replace these."""
    return {
        "patients": [PATIENT], "payers": [PAYER], "billing_providers": [PROVIDER],
        "charge_master": [VISIT, TEST, RIDE], "diagnoses": DIAGNOSES, **others,
    }  # fmt: skip


def write_folder(folder: Path, some: Mapping[str, Iterable[Mapping[str, str]]]) -> Path:
    """The tables as load_billing takes them, every column there; what a row does not say is empty."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.csv"):
        old.unlink()
    for table, rows in some.items():
        known = FILES[f"{table}.csv"]
        with (folder / f"{table}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, [*known.columns, *known.extra], restval="", lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    return folder


def new_region(folder: Path, **others: Rows) -> Region:
    """A region into which these tables were loaded."""
    region: Region = RegionFactory.create()
    load(write_folder(folder, tables(**others)), region)
    return region


def service_write(region: Region, *blocks: tuple[str, int, str], **other: Any) -> ServiceWrite:
    """What recovery has written for a visit of P1 ten days ago: (block, quantity, price)."""
    number = next(_numbers)
    visit = {"patient_id": "P1", "department_id": "D1", "destination": ["C1", False, "CC", "PHY"]}
    services = sorted(blocks)
    run, _ = Run.objects.get_or_create(job="recover_services", key=region.name, region=region, status="complete")
    values: dict[str, Any] = {
        "region": region,
        "run": run,
        "appointment_id": f"A{number}",
        "start": timezone.now() - timedelta(days=10, minutes=number),
        "idempotency_key": f"K{number}",
        "session_id": f"S{number}",
        "state": WriteState.WRITTEN,
        "services": [list(block) for block in services],
        "service_count": len(services),
        "value": sum((Decimal(price) * quantity for _, quantity, price in services), Decimal(0)),
        "appointment": visit | other.pop("visit", {}),
    }
    return ServiceWrite.objects.create(**values | other)


def total(rows: QuerySet[Any], column: str) -> Decimal:
    """The sum of a column of dollars, to the cent."""
    return dollars(rows.order_by().aggregate(cents=Sum(in_cents(column)))["cents"])


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def claim_services(region: Region, **parameters: Any) -> Run:
    """A run, worked to its end in this process; complete."""
    run = finish(start("claim_services", region, **parameters))
    assert run.status == RunStatus.COMPLETE, (run.reason, run.detail)
    return run


def outcomes(run: Run) -> dict[str, int]:
    """Of both steps; only those that occurred."""
    found: dict[str, int] = {}
    for part in run.parts.all():
        for word, number in part.outcomes.items():
            found[word] = found.get(word, 0) + number
    return {word: number for word, number in found.items() if number}


def reasons(claim: Claim) -> set[str]:
    """The codes of the rules that refuse it."""
    claim.refresh_from_db()
    return {code for code, _ in claim.refused}
