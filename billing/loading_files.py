"""The files of load_billing: the model of each, its key, how its columns are read, and what is stored of a row."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import models

from backoffice.keyring import Sealed, seal
from billing import loading_values as values
from billing.loading_values import Read, optional, text
from billing.models import BillingPatient, BillingPayer, BillingProvider, CaseDiagnosis, Charge, LoadedService

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class File:
    """`columns` are in its header; those of `extra` may be, and are what is said here where they are not. `stored`: the
    model's fields of a row that was read."""

    model: type[models.Model]
    key: tuple[str, ...]
    columns: Mapping[str, Read]
    extra: Mapping[str, tuple[Read, Any]] = field(default_factory=dict)
    stored: Callable[[Row], Row] = dict


DETAILS = BillingPatient._meta.get_field("details")


def _patient(row: Row) -> Row:
    """What is about the person is sealed as it is read: no draft of it lies anywhere in clear."""
    details = {name: value for name, value in row.items() if name not in ("patient_id", "payer_id")}
    row_id = uuid.uuid4()
    return {
        "row_id": row_id,
        "patient_id": row["patient_id"],
        "payer_id": row["payer_id"],
        "details": _sealed(details, row_id),
    }


def _sealed(details: Row, row_id: uuid.UUID) -> Sealed:
    return seal(DETAILS.dump(details), DETAILS.place_of(BillingPatient, row_id))


def _service(row: Row) -> Row:
    value: Decimal = row["price"] * row["quantity"]
    return {**row, "value": value}


ADDRESS: dict[str, Read] = {
    "street": text(120), "street_2": optional(text(120)), "city": text(60), "state": values.state,
}  # fmt: skip
PATIENT_ADDRESS: dict[str, Read] = {
    **{name: optional(read) for name, read in ADDRESS.items()}, "zip_code": optional(values.zip_code),
}  # fmt: skip
SERVICES = "services.csv"
FILES: dict[str, File] = {
    # A card that is not complete is loaded as it is: the services that need more of it are listed as unclaimable.
    "patients.csv": File(
        model=BillingPatient, key=("patient_id",), stored=_patient,
        columns={
            "patient_id": text(120), "member_id": optional(values.identifier), "last": optional(text(120)),
            "first": optional(text(120)), "middle": optional(text(120)), "suffix": optional(text(20)),
            "birth_date": optional(values.iso_day), "sex": optional(values.sex), **PATIENT_ADDRESS,
            "payer_id": optional(values.identifier),
        },
    ),
    "payers.csv": File(
        model=BillingPayer, key=("payer_id",),
        columns={"payer_id": values.identifier, "name": text(120), "filing_days": values.whole(1, 36_600)},
        extra={"enrolled": (values.flag, True)},
    ),
    "billing_providers.csv": File(
        model=BillingProvider, key=("department_id",),
        columns={
            "department_id": text(120), "npi": optional(values.npi), "tax_id": values.tax_id,
            "taxonomy": optional(values.taxonomy), "name": text(120), **ADDRESS, "zip_code": values.long_zip_code,
        },
        extra={"phone": (optional(values.phone), ""), "provider_number": (optional(text(50)), "")},
    ),
    "charge_master.csv": File(
        model=Charge, key=("block_code",),
        columns={
            "block_code": text(60), "hcpcs": values.hcpcs, "modifiers": values.modifiers,
            "place_of_service": values.place, "kind": values.kind,
        },
    ),
    "diagnoses.csv": File(
        model=CaseDiagnosis, key=("case_id", "position"),
        columns={"case_id": text(120), "position": values.position, "icd10": values.icd10},
    ),
    SERVICES: File(
        model=LoadedService, key=("service_id",), stored=_service,
        columns={
            "service_id": text(120), "patient_id": text(120), "department_id": text(120), "case_id": text(120),
            "day": values.day, "block_code": text(60), "quantity": values.whole(1, 9_999), "price": values.money,
        },
    ),
}  # fmt: skip
