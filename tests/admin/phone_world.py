"""A phone sync of a region as it stands in the database afterwards: its run, rows of several kinds, and changes."""

from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from backoffice.adapters import fhir_json
from backoffice.runs.models import Failure, Run, StepPart, StepState
from regions.models import PhoneRow, PhoneUpdate, Region

IDENTIFIER, OLD, NEW, PATIENT = "3302010101900001", "+628129990000", "+628123456789", "pat-4711"
SECRETS = (IDENTIFIER, OLD, "08123456789", PATIENT)

# (outcome, reason, rules, source, patients, updated) of rows 2, 3, …
ROWS = [
    ("updated", "", "separators", "WhatsApp", 1, 1),
    ("updated", "", "float; leading zero", "front desk", 1, 1),
    ("unchanged", "", "", "Front Desk", 1, 0),
    ("invalid_phone", "digits lost", "scientific", "front desk", 0, 0),
    ("invalid_phone", "empty", "", "survey", 0, 0),
    ("not_found", "", "", "survey", 0, 0),
]


@dataclass
class Phones:
    """The sync of one region."""

    region: Region
    run: Run
    rows: list[PhoneRow]
    update: PhoneUpdate
    failure: Failure


def make_sync_run(region: Region, **fields: Any) -> Run:
    now = timezone.now()
    values = {
        "job": "sync_phones", "key": region.name, "region": region, "parameters": {"mode": "write"},
        "status": "complete", "reason": "", "started_at": now, "ended_at": now, "correlation_id": "c" * 32,
    }  # fmt: skip
    run = Run.objects.create(**{**values, **fields})
    step = StepState.objects.create(chain=run.chain, job=run.job, key=run.key, name="sync", sequence=0)
    outcomes = {"updated": 2, "unchanged": 1, "invalid_phone": 2, "not_found": 1}
    totals = {"successful_updates": 2, "would_update": 2, "patients_not_found": 1, "invalid_phones": 2}
    StepPart.objects.create(
        step=step, run=run, status="complete", read=len(ROWS), outcomes=outcomes, totals=totals, seconds=2.0
    )
    return run


def make_rows(run: Run) -> list[PhoneRow]:
    region = run.region
    assert region is not None
    names = ("outcome", "reason", "rules", "source", "patients", "updated")
    return [
        PhoneRow.objects.create(
            region=region,
            run=run,
            row=number,
            status="success" if row[0] == "updated" else f"failed: {row[1]} [{run.correlation_id}]",
            notice="told",
            key={"identifier": IDENTIFIER, "phone": "08123456789"},
            **dict(zip(names, row, strict=True)),
        )
        for number, row in enumerate(ROWS, start=2)
    ]


def make_update(run: Run, row: int = 2, **fields: Any) -> PhoneUpdate:
    before = [{"system": "phone", "use": "mobile", "value": OLD}, {"system": "email", "value": "a@example.org"}]
    old = {**before[0], "use": "old", "period": {"end": "2026-11-25"}}
    after = [{"system": "phone", "use": "mobile", "value": NEW}, old, before[1]]
    values = {
        "region": run.region, "run": run, "row": row, "patient_id": PATIENT, "state": "written", "version_before": "1",
        "version_after": "2", "counted": True, "change": {"number": NEW, "before": text(before), "after": text(after)},
    }  # fmt: skip
    return PhoneUpdate.objects.create(**{**values, **fields})


def text(telecom: list[Any]) -> str:
    return fhir_json.write({"telecom": telecom}).decode()


def make_phones(region: Region, **fields: Any) -> Phones:
    run = make_sync_run(region, **fields)
    rows = make_rows(run)
    failure = Failure.objects.create(
        run=run, step="sync", reference="row 5", category="invalid_phone", reason="digits lost", phase="prepare"
    )
    return Phones(region, run, rows, make_update(run), failure)
