"""load_claims: a folder of CSV files into the staging and reference tables, all of it or nothing.

What is wrong with a claim line is for the validation to say; refused here are files that cannot be read, missing and
duplicate keys, and reference rows with values that are none.
"""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from zlib import crc32

from django.db import connection, models, transaction

from backoffice.audit import record_change
from backoffice.runs.faults import Misuse
from backoffice.runs.models import LIVE, Run, RunStatus
from claims.models import (
    ContractTerms,
    Fee,
    MemberBenefit,
    Night,
    Plan,
    PlanBenefit,
    ProcedureCode,
    Provider,
    StagedBatch,
    StagedLine,
)
from claims.pipeline import accumulators
from claims.pipeline.numbers import span
from claims.pipeline.rules import Met
from regions.models import Region

LINES = "claim_lines.csv"
ACCUMULATORS = "accumulators.csv"
LINE_COLUMNS = (
    "claim_id", "line_number", "member_id", "provider_npi", "service_date", "received_date", "procedure_code", "units",
    "billed",
)  # fmt: skip
ACCUMULATOR_COLUMNS = ("member_id", "benefit_year", "field_name", "value")
MOST_PROBLEMS = 50
BLOCK = 20_000
Row = dict[str, str]


class FolderRefused(Misuse):
    """The folder cannot be loaded as it is; `problems` are lines for people, with file and line number."""

    def __init__(self, problems: list[str], more: int = 0) -> None:
        super().__init__("\n".join([*problems, *([f"and {more:,} more"] if more else [])]))


@dataclass
class Problems:
    found: list[str] = field(default_factory=list)
    more: int = 0

    def add(self, where: str, what: str) -> None:
        if len(self.found) < MOST_PROBLEMS:
            self.found.append(f"{where}: {what}")
        else:
            self.more += 1

    def refuse(self) -> None:
        if self.found:
            raise FolderRefused(self.found, self.more)


@dataclass(frozen=True, kw_only=True)
class Table:
    """A reference file: its model, its key, and how each column is read."""

    model: type[models.Model]
    key: tuple[str, ...]
    columns: dict[str, Callable[[str], Any]]


def text(value: str) -> str:
    if not value or len(value) > 40:
        raise ValueError("is empty or longer than 40 characters")
    return value


def description(value: str) -> str:
    return value[:300]


def day(value: str) -> date:
    found = date.fromisoformat(value)
    if found.isoformat() != value:
        raise ValueError("is not a day as 2026-11-21")
    return found


def money(value: str) -> Decimal:
    amount = Decimal(value)
    if (
        not amount.is_finite()
        or amount < 0
        or amount != amount.quantize(Decimal("0.01"))
        or amount >= Decimal(10) ** 13
    ):
        raise ValueError("is no amount of dollars from 0 with at most two decimals")
    return amount


def percent(value: str) -> Decimal:
    amount = money(value)
    if amount >= 1000:
        raise ValueError("is no percentage below 1000")
    return amount


def share(value: str) -> Decimal:
    amount = money(value)
    if amount > 100:
        raise ValueError("is no share: it is above 100 percent")
    return amount


def flag(value: str) -> bool:
    if value not in ("true", "false"):
        raise ValueError("is neither true nor false")
    return value == "true"


def count(value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) <= 9):
        raise ValueError("is no whole number from 0")
    return int(value)


def year(value: str) -> int:
    found = count(value)
    if not 1 <= found <= 9999:
        raise ValueError("is no year")
    return found


def optional(read: Callable[[str], Any]) -> Callable[[str], Any]:
    return lambda value: read(value) if value else None


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


def load(folder: Path, region: Region) -> StagedBatch:
    """Stage the folder's lines and make the reference tables what its files say; files that it lacks change nothing.

    Raises FolderRefused with file and line of what is wrong; then nothing was changed.
    """
    if not (folder / LINES).is_file():
        raise FolderRefused([f"{folder}: there is no {LINES} in it"])
    if Run.objects.filter(region=region, job="run_pipeline", status__in=LIVE).exists():
        raise Misuse(f"A night of {region.name} is running. Load when it has ended, or stop it.")
    problems = Problems()
    with transaction.atomic():
        for name, table in TABLES.items():
            if (folder / name).exists():
                _load_table(folder / name, table, region, problems)
        opening = _opening_accumulators(folder / ACCUMULATORS, region, problems)
        batch = StagedBatch.objects.create(region=region, source=str(folder)[-200:])
        batch.lines = _load_lines(folder / LINES, batch, problems)
        problems.refuse()
        _refuse_keys(batch, problems)
        problems.refuse()
        batch.save(update_fields=["lines"])
        record_change(batch, {"lines": ("0", str(batch.lines))})
        # Last: in a database of their own they are not undone with the rest.
        with transaction.atomic(using=accumulators.database()):
            accumulators.write(region.pk, opening)
    return batch


def rows(path: Path, columns: tuple[str, ...], problems: Problems) -> Iterator[tuple[str, Row]]:
    """("file line n", row) of each well-formed row; what is not is noted."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = next(reader, [])
            if missing := [name for name in columns if name not in header]:
                problems.add(f"{path.name} line 1", f"lacks {', '.join(missing)}")
                return
            for fields in reader:
                where = f"{path.name} line {reader.line_num}"
                if len(fields) != len(header):
                    problems.add(where, f"has {len(fields)} fields, not {len(header)}")
                elif any("\0" in value for value in fields):
                    problems.add(where, "holds a NUL character")
                else:
                    yield where, dict(zip(header, fields, strict=True))
    except UnicodeDecodeError:
        problems.add(path.name, "is not text in UTF-8")
    except csv.Error as error:
        problems.add(f"{path.name} line {reader.line_num}", f"is no CSV ({error})")
    except OSError as error:
        problems.add(path.name, error.strerror or "cannot be read")


def _load_table(path: Path, table: Table, region: Region, problems: Problems) -> None:
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


def _load_lines(path: Path, batch: StagedBatch, problems: Problems) -> int:
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


def _refuse_keys(batch: StagedBatch, problems: Problems) -> None:
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


def _opening_accumulators(path: Path, region: Region, problems: Problems) -> dict[accumulators.Key, str | None]:
    """Opening values that do not stand yet. A member's year that does must stand as the file has it: the nights keep
    it now."""
    if not path.exists():
        return {}
    opening: dict[accumulators.Key, Met] = {}
    seen: dict[tuple[str, ...], str] = {}
    for where, row in rows(path, ACCUMULATOR_COLUMNS, problems):
        key = (row["member_id"], row["benefit_year"], row["field_name"])
        if key in seen:
            problems.add(where, f"has the key of {seen[key]}: {', '.join(key[1:])}")
            continue
        seen[key] = where
        try:
            met = opening.setdefault((text(row["member_id"]), year(row["benefit_year"])), Met())
            _set(met, row["field_name"], row["value"])
        except (ValueError, InvalidOperation) as error:
            problems.add(where, f"value or key {error}" if str(error).startswith("is ") else "cannot be read")
    standing = accumulators.stored(region.pk, {member for member, _ in opening})
    spelled = {key: accumulators.spelled(met) for key, met in opening.items()}
    differing = sum(key in standing and standing[key] != value for key, value in spelled.items())
    if differing and not problems.found:
        problems.add(
            path.name, f"{differing:,} members' years stand otherwise already, kept by the nights: leave it out"
        )
    return {key: value for key, value in spelled.items() if key not in standing}


def _set(met: Met, name: str, value: str) -> None:
    if name == "deductible_met":
        met.deductible = int(money(value) * 100)
    elif name == "out_of_pocket_met":
        met.out_of_pocket = int(money(value) * 100)
    elif name.startswith("visits:") and len(name) > len("visits:"):
        met.visits[name.removeprefix("visits:")] = count(value)
    else:
        raise ValueError("is no deductible_met, out_of_pocket_met or visits:CATEGORY")
