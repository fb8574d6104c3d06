"""The CSV folder a hospital is loaded from: eight tables, one file each, each row checked."""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from sys import intern
from typing import Any, Final

from backoffice.sandbox.hospital.records import (
    Activity,
    Appointment,
    BilledService,
    Case,
    CostCenter,
    Physician,
    ServiceBlock,
    ServiceRule,
)

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "appointments": (
        "id",
        "start",
        "end",
        "status",
        "type_code",
        "patient_id",
        "department_id",
        "practitioner_id",
        "case_id",
    ),
    "activities": ("appointment_id", "code", "quantity"),
    "service_sessions": ("session_id", "appointment_id", "block_code", "quantity", "status"),
    "service_configurations": ("type_code", "block_code", "trigger", "activity_code"),
    "service_blocks": ("code", "name", "status", "valid_from", "valid_to", "price", "allowed_case_types"),
    "cost_centers": ("id", "department_id", "active"),
    "responsible_physicians": ("department_id", "physician_id"),
    "cases": ("id", "patient_id", "type", "status"),
}
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
CASE_TYPES: Final = ("OUTPATIENT", "INPATIENT", "EMERGENCY")


class FolderError(Exception):
    """A file of the folder cannot be used. The message names the file, and the line where there is one."""

    def __init__(self, path: Path, line: int | None, reason: str) -> None:
        super().__init__(f"{path}:{line}: {reason}" if line else f"{path}: {reason}")


def read_table(folder: Path, table: str) -> Iterator[tuple[int, Any]]:
    """Each row of `table` as parse_row() gives it, with its line number.

    Raises FolderError for a file that is missing or not CSV, a wrong header, or a wrong row.
    """
    path, columns, parse = folder / f"{table}.csv", COLUMNS[table], _PARSERS[table]
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, strict=True)
            if tuple(next(reader, ())) != columns:
                raise FolderError(path, 1, f"the header must be {','.join(columns)}")
            for cells in reader:
                if len(cells) != len(columns):
                    raise FolderError(path, reader.line_num, f"{len(columns)} cells expected, {len(cells)} found")
                yield reader.line_num, parse(cells)
    except OSError as error:
        raise FolderError(path, None, error.strerror or "cannot be read") from error
    except UnicodeDecodeError as error:
        raise FolderError(path, None, "is not UTF-8") from error
    except (ValueError, csv.Error) as error:
        raise FolderError(path, reader.line_num, str(error)) from error


def parse_row(table: str, row: Mapping[str, str]) -> Any:
    """One row of `table`, given by column names, as its record. Raises ValueError with what is wrong."""
    columns = COLUMNS.get(table)
    if columns is None:
        raise ValueError(f"no table {table!r}")
    if set(row) != set(columns):
        raise ValueError(f"{table} has the columns {','.join(columns)}")
    return _PARSERS[table]([row[column] for column in columns])


def write_folder(folder: Path, tables: Mapping[str, Iterable[Sequence[object]]]) -> None:
    """Write all eight tables to `folder` (made if missing); a table that is not given gets no row."""
    folder.mkdir(parents=True, exist_ok=True)
    for table, columns in COLUMNS.items():
        with (folder / f"{table}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows(tables.get(table, ()))


def _appointment(cells: Sequence[str]) -> Appointment:
    key, start, end, status, *others = cells
    return Appointment(
        _some(key, "id"),
        _instant(start, "start"),
        _instant(end, "end") if end else None,
        _one_of(status, ("BOOKED", "FINISHED", "CANCELLED", "NOSHOW"), "status"),
        # Interned, since a few hundred departments and types stand in 200,000 rows.
        *(intern(cell) if cell else None for cell in others),
    )


def _activity(cells: Sequence[str]) -> tuple[str, Activity]:
    return cells[0], Activity(intern(_some(cells[1], "code")), _whole(cells[2], "quantity"))


def _service(cells: Sequence[str]) -> tuple[str, str, BilledService]:
    session, appointment, block, quantity, status = cells
    status = _one_of(status, ("BILLED", "CANCELLED"), "status")
    service = BilledService(intern(_some(block, "block_code")), _whole(quantity, "quantity"), status)
    return _some(session, "session_id"), appointment, service


def _rule(cells: Sequence[str]) -> tuple[str, ServiceRule]:
    type_code, block, trigger, activity = cells
    if (trigger == "PERFORMED") != bool(activity):
        raise ValueError("activity_code belongs to PERFORMED, and only there")
    rule = ServiceRule(
        _some(block, "block_code"), _one_of(trigger, ("ALWAYS", "PERFORMED"), "trigger"), activity or None
    )
    return _some(type_code, "type_code"), rule


def _block(cells: Sequence[str]) -> ServiceBlock:
    code, name, status, valid_from, valid_to, price, allowed = cells
    return ServiceBlock(
        _some(code, "code"),
        name,
        _one_of(status, ("ACTIVE", "RETIRED"), "status"),
        _day(valid_from, "valid_from"),
        _day(valid_to, "valid_to") if valid_to else None,
        _price(price),
        tuple(_one_of(case_type, CASE_TYPES, "allowed_case_types") for case_type in allowed.split(";") if case_type),
    )


def _cost_center(cells: Sequence[str]) -> CostCenter:
    active = _one_of(cells[2], ("true", "false"), "active") == "true"
    return CostCenter(_some(cells[0], "id"), _some(cells[1], "department_id"), active)


def _physician(cells: Sequence[str]) -> Physician:
    return Physician(_some(cells[1], "physician_id"), _some(cells[0], "department_id"))


def _case(cells: Sequence[str]) -> Case:
    key, patient, case_type, status = cells
    case_type = _one_of(case_type, CASE_TYPES, "type")
    return Case(_some(key, "id"), patient, case_type, _one_of(status, ("OPEN", "CLOSED"), "status"))


def _some(value: str, column: str) -> str:
    if not value:
        raise ValueError(f"{column} is empty")
    return value


def _one_of(value: str, allowed: tuple[str, ...], column: str) -> str:
    if value not in allowed:
        raise ValueError(f"{column} must be one of {', '.join(allowed)}")
    return intern(value)


def _instant(value: str, column: str) -> str:
    """`value` unchanged: only the one form sorts as text."""
    try:
        datetime.fromisoformat(value)
    except ValueError:
        value = ""
    if _INSTANT.fullmatch(value):
        return value
    raise ValueError(f"{column} is not a time such as 2026-11-22T08:00:00Z")


def _day(value: str, column: str) -> str:
    try:
        if len(value) == 10:
            return date.fromisoformat(value).isoformat()
    except ValueError:
        pass
    raise ValueError(f"{column} is not a date such as 2026-11-22")


def _whole(value: str, column: str) -> int:
    if not (value.isascii() and value.isdigit()):
        raise ValueError(f"{column} is not a whole number")
    return int(value)


def _price(value: str) -> Decimal:
    try:
        price = Decimal(value)
    except InvalidOperation:
        price = Decimal("NaN")
    if not price.is_finite() or price < 0:
        raise ValueError("price is not an amount such as 83.87")
    return price


_PARSERS: Final[Mapping[str, Callable[[Sequence[str]], Any]]] = {
    "appointments": _appointment,
    "activities": _activity,
    "service_sessions": _service,
    "service_configurations": _rule,
    "service_blocks": _block,
    "cost_centers": _cost_center,
    "responsible_physicians": _physician,
    "cases": _case,
}
