"""What is known of some services' patients, payers, departments, blocks and cases: a query for each, by chunk."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from billing.making.sources import Source
from billing.models import BillingPatient, BillingPayer, BillingProvider, CaseDiagnosis, Charge
from claims.edi.claims import Address
from regions.models import Region


@dataclass(frozen=True, kw_only=True, slots=True)
class Patient:
    """As the card says. `details`: as of BillingPatient."""

    payer_id: str
    details: Mapping[str, Any]

    @property
    def address(self) -> Address:
        names = ("street", "street_2", "city", "state", "zip_code")
        return Address(**{name: self.details.get(name, "") for name in names})


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """By patient reference, payer id, department, block and case; diagnoses in their order."""

    patients: Mapping[str, Patient]
    payers: Mapping[str, BillingPayer]
    providers: Mapping[str, BillingProvider]
    charges: Mapping[str, Charge]
    diagnoses: Mapping[str, tuple[str, ...]]


def known_of(region: Region, sources: Collection[Source]) -> Known:
    rows = _named(BillingPatient.objects.all(), region, "patient_id", {source.patient_id for source in sources})
    patients = {row.patient_id: Patient(payer_id=row.payer_id, details=dict(row.details)) for row in rows}
    payers = {patient.payer_id for patient in patients.values()}
    departments = {source.department_id for source in sources}
    blocks = {block.code for source in sources for block in source.blocks}
    return Known(
        patients=patients,
        payers={row.payer_id: row for row in _named(BillingPayer.objects.all(), region, "payer_id", payers)},
        providers={
            row.department_id: row
            for row in _named(BillingProvider.objects.all(), region, "department_id", departments)
        },
        charges={row.block_code: row for row in _named(Charge.objects.all(), region, "block_code", blocks)},
        diagnoses=_diagnoses(region, {source.case_id for source in sources}),
    )


def _named(rows: QuerySet[Any], region: Region, key: str, names: Collection[str]) -> QuerySet[Any]:
    return rows.filter(region=region, **{f"{key}__in": names})


def _diagnoses(region: Region, cases: Collection[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = defaultdict(list)
    rows = _named(CaseDiagnosis.objects.order_by("case_id", "position"), region, "case_id", cases)
    for case_id, icd10 in rows.values_list("case_id", "icd10"):
        found[case_id].append(icd10)
    return {case_id: tuple(codes) for case_id, codes in found.items()}
