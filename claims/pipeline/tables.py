"""The reference tables: the file of each, its key, how its columns are read; and how a region's is replaced."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import InvalidOperation
from pathlib import Path
from typing import Any

from django.db import connection, models

from claims.models import (
    ContractTerms,
    Fee,
    MemberBenefit,
    Plan,
    PlanBenefit,
    ProcedureCode,
    Provider,
    RemittancePayer,
)
from claims.pipeline.delivered import Problems, rows
from claims.pipeline.drafts import append, draft, note_twice
from claims.pipeline.values import (
    count,
    day,
    description,
    flag,
    latin,
    money,
    optional,
    percent,
    phone,
    plain,
    share,
    tax_id,
    text,
)
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
    "remittance_payers.csv": Table(
        model=RemittancePayer, key=("payer_id",),
        columns={
            "payer_id": plain, "name": latin, "tax_id": tax_id, "street": latin, "city": latin, "state": plain,
            "zip_code": plain, "contact": latin, "phone": phone, "for_all": flag,
        },
    ),
}  # fmt: skip


def load_table(path: Path, table: Table, region: Region, problems: Problems) -> int:
    """Replace the region's table by what the file says, and say how many rows that is. A file without a row would empty
    the table: that is taken for a delivery gone wrong, unless the table is empty anyhow."""
    names = tuple(table.columns)
    fields = {name: table.model._meta.get_field(name) for name in names}
    types = {name: field.db_type(connection) for name, field in fields.items()}
    before = problems.total
    with draft(table.model._meta.db_table, types) as waiting:
        count = append(waiting, ("line", *names), _read(path, table, problems))
        note_twice(waiting, path.name, table.key, problems)
        old = table.model._default_manager.filter(region=region)
        if not count and problems.total == before and old.exists():
            problems.add(path.name, "has no row and would empty the table; to keep what is loaded, leave the file out")
        if problems.found:
            return count
        old.delete()
        columns = ", ".join(names)
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {table.model._meta.db_table} (region_id, {columns})"  # noqa: S608 (names of our own)
                f" SELECT %s, {columns} FROM {waiting} ORDER BY line",
                [region.pk],
            )
    return count


def _read(path: Path, table: Table, problems: Problems) -> Iterator[tuple[Any, ...]]:
    """(line, values as the database takes them) of the rows whose values are such."""
    columns = [(name, kind, table.model._meta.get_field(name)) for name, kind in table.columns.items()]
    for line, row in rows(path, tuple(table.columns), problems):
        values = []
        for (name, kind, field), value in zip(columns, row, strict=True):
            try:
                values.append(_stored(field, kind(value)))
            except (ValueError, InvalidOperation) as error:
                # What the value was may be said of other tables: a member's row is a patient's.
                shown = "" if "member_id" in table.columns else f": {value[:40]!r}"
                why = str(error) if str(error).startswith("is ") else f"is not what it should be{shown}"
                problems.add(f"{path.name} line {line}", f"{name} {why}")
        if len(values) == len(columns):
            yield (line, *values)


def _stored(field: Any, value: Any) -> Any:
    """As the driver takes it, or ValueError where the column is too short for the text."""
    most = getattr(field, "max_length", None)
    if isinstance(value, str) and most and len(value) > most:
        raise ValueError(f"is longer than {most} characters")
    return field.get_db_prep_save(value, connection)
