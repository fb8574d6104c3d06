"""The reference tables: the file of each, its key, how its columns are read; and how a region's is replaced."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import InvalidOperation
from pathlib import Path
from typing import Any

from django.db import models

from claims.models import ContractTerms, Fee, MemberBenefit, Plan, PlanBenefit, ProcedureCode, Provider
from claims.pipeline.delivered import Problems, rows
from claims.pipeline.values import count, day, description, flag, money, optional, percent, share, text
from regions.models import Region


@dataclass(frozen=True, kw_only=True)
class Table:
    """A reference file: its model, its key, and how each column is read."""

    model: type[models.Model]
    key: tuple[str, ...]
    columns: dict[str, Callable[[str], Any]]


TABLES = {
    "providers.csv": Table(
        model=Provider, key=("npi",),
        columns={"npi": text, "name": description, "contract_id": text, "active_from": day, "active_to": optional(day)},
    ),
    "procedure_codes.csv": Table(
        model=ProcedureCode, key=("procedure_code",),
        columns={
            "procedure_code": text, "description": description, "category": text, "valid_from": day,
            "valid_to": optional(day),
        },
    ),
    "plans.csv": Table(
        model=Plan, key=("plan_id",),
        columns={"plan_id": text, "deductible": money, "out_of_pocket_max": money, "coinsurance_percent": share},
    ),
    "plan_benefits.csv": Table(
        model=PlanBenefit, key=("plan_id", "category"),
        columns={
            "plan_id": text, "category": text, "covered": flag, "copay": money, "copay_only": flag,
            "visit_limit": optional(count),
        },
    ),
    "member_benefits.csv": Table(
        model=MemberBenefit, key=("member_id", "coverage_from"),
        columns={"member_id": text, "plan_id": text, "coverage_from": day, "coverage_to": optional(day)},
    ),
    "fee_schedule.csv": Table(
        model=Fee, key=("fee_schedule_id", "procedure_code"),
        columns={"fee_schedule_id": text, "procedure_code": text, "fee": money},
    ),
    "contract_terms.csv": Table(
        model=ContractTerms, key=("contract_id",),
        columns={
            "contract_id": text, "fee_schedule_id": text, "multiplier_percent": percent, "percent_of_charge": percent,
        },
    ),
}  # fmt: skip


def load_table(path: Path, table: Table, region: Region, problems: Problems) -> None:
    """Replace the region's table by what the file says."""
    seen: dict[tuple[Any, ...], str] = {}
    read: list[models.Model] = []
    for where, row in rows(path, tuple(table.columns), problems):
        values: dict[str, Any] = {}
        for name, kind in table.columns.items():
            try:
                values[name] = _fitting(table, name, kind(row[name]))
            except (ValueError, InvalidOperation) as error:
                why = str(error) if str(error).startswith("is ") else f"is not what it should be: {row[name]!r}"
                problems.add(where, f"{name} {why}")
        if len(values) < len(table.columns):
            continue
        key = tuple(values[name] for name in table.key)
        if key in seen:
            problems.add(where, f"has the key of {seen[key]}: {', '.join(map(str, key))}")
            continue
        seen[key] = where.rpartition(" line ")[2].join(("line ", ""))
        read.append(table.model(region=region, **values))
    if problems.found:
        return
    manager = table.model._default_manager
    manager.filter(region=region).delete()
    manager.bulk_create(read, batch_size=2_000)


def _fitting(table: Table, name: str, value: Any) -> Any:
    """The value, or ValueError where the column is too short for the text."""
    most = getattr(table.model._meta.get_field(name), "max_length", None)
    if isinstance(value, str) and most and len(value) > most:
        raise ValueError(f"is longer than {most} characters")
    return value
