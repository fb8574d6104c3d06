"""load_billing: what the hospital does not give and a claim needs, from a folder of CSV files, all of it or nothing.

A file that is there replaces the region's table; one that is not leaves it. services.csv is added to: a service that is
known already stays, is changed while nothing was claimed of it, and refuses the folder after that. A file is read once,
row by row, into a temporary table in which a patient's row is sealed already: memory does not grow with it.
"""

import csv
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from backoffice.audit import record_change
from backoffice.formats import count
from backoffice.keyring import Sealed
from billing.loading_files import FILES, SERVICES, File
from billing.loading_services import add_services
from claims.pipeline.delivered import MOST_PROBLEMS, FolderRefused, Problems, rows
from claims.pipeline.drafts import append, draft
from regions.models import Region


def load(folder: Path, region: Region, *, check: bool = False) -> dict[str, int]:
    """Rows by file. FolderRefused lists what is wrong, by file and line; then, and with `check`, nothing is changed."""
    present = [name for name in FILES if (folder / name).is_file()]
    if not present:
        raise FolderRefused([f"{folder}: none of {', '.join(FILES)} is in it"])
    problems = Problems()
    with transaction.atomic():
        # One load of a region after the other.
        Region.objects.select_for_update(no_key=True).get(pk=region.pk)
        loaded = {name: _load_file(folder / name, FILES[name], region, problems) for name in present}
        problems.refuse()
        if check:
            transaction.set_rollback(True)
        else:
            record_change(region, {name: ("", count(number, "row")) for name, number in loaded.items()})
    return loaded


def _load_file(path: Path, file: File, region: Region, problems: Problems) -> int:
    before = problems.total
    names = _stored_names(file)
    types = {name: file.model._meta.get_field(name).db_type(connection) for name in names}
    with draft(file.model._meta.db_table, types) as waiting:
        number = append(waiting, ("line", *names), _read(path, file, problems))
        _note_twice(waiting, path.name, file.key, problems)
        if not number and problems.total == before:
            problems.add(path.name, "has no row and would empty the table: leave it out to keep what is loaded")
        if problems.found:
            return number
        if path.name == SERVICES:
            add_services(waiting, names, region, problems)
        else:
            file.model._default_manager.filter(region=region).delete()
            _insert(waiting, file, names, region)
    return number


def _insert(waiting: str, file: File, names: tuple[str, ...], region: Region) -> None:
    columns = ", ".join(names)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {file.model._meta.db_table} (region_id, {columns})"  # noqa: S608 (names of our own)
            f" SELECT %s, {columns} FROM {waiting} ORDER BY line",
            [region.pk],
        )


def _stored_names(file: File) -> tuple[str, ...]:
    fields = (field.name for field in file.model._meta.concrete_fields)
    return tuple(name for name in fields if name not in ("id", "region"))


def _read(path: Path, file: File, problems: Problems) -> Iterator[tuple[Any, ...]]:
    """(line, values as the database takes them) of the rows that are good; of each other, one line that says why."""
    header = _header(path)
    reads = {**file.columns, **{name: read for name, (read, _) in file.extra.items() if name in header}}
    absent = {name: value for name, (_, value) in file.extra.items() if name not in header}
    fields = [file.model._meta.get_field(name) for name in _stored_names(file)]
    for line, cells in rows(path, tuple(reads), problems):
        row, wrong = dict(absent), []
        for (name, read), cell in zip(reads.items(), cells, strict=True):
            try:
                row[name] = read(cell)
            except ValueError as error:
                wrong.append(f"{name} {error}")
        if wrong:
            problems.add(f"{path.name} line {line}", "; ".join(wrong))
        else:
            stored = file.stored(row)
            yield (line, *(_prepared(field, stored[field.name]) for field in fields))


def _prepared(field: Any, value: Any) -> Any:
    return value.text if isinstance(value, Sealed) else field.get_db_prep_save(value, connection)


def _header(path: Path) -> list[str]:
    """What cannot be read here is said by `rows`."""
    with suppress(OSError, UnicodeDecodeError, csv.Error), path.open(encoding="utf-8-sig", newline="") as lines:
        return next(csv.reader(lines, strict=True), [])
    return []


def _note_twice(waiting: str, file: str, key: tuple[str, ...], problems: Problems) -> None:
    """Keys that occur more than once, by line alone: whose they are stays unsaid."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) OVER (), line, first FROM ("  # noqa: S608 (names of our own)
            f" SELECT line, min(line) OVER (PARTITION BY {', '.join(key)}) AS first FROM {waiting}"
            f") AS numbered WHERE line > first ORDER BY line LIMIT {MOST_PROBLEMS}"
        )
        found = cursor.fetchall()
    what = f"has the same {' and '.join(key)} as line"
    twice = ((f"{file} line {line}", f"{what} {first}: remove one of them") for _, line, first in found)
    problems.add_first(twice, found[0][0] if found else 0)
