"""Bare appends of the rows that a night has to keep: `python -m backoffice.bench.copying ROWS_A_TRANSACTION`.

Reads the priced and adjudicated rows of the finished night into memory, and then appends them to fresh tables with a
primary key; only that is timed. Prints {"rows", "seconds"}.
"""

import json
import os
import sys
import time
from typing import Any

import django

TABLES = ("claims_pricedclaim", "claims_adjudicatedclaim")


def main(every: int) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
    django.setup()
    from django.db import connection

    connection.ensure_connection()
    append = _copied if connection.vendor == "postgresql" else _inserted
    done = [append(connection.connection, table, every) for table in TABLES]
    said = {"rows": sum(rows for rows, _ in done), "seconds": sum(seconds for _, seconds in done)}
    sys.stdout.write(json.dumps(said) + "\n")


def _copied(connection: Any, table: str, every: int) -> tuple[int, float]:
    with connection.cursor() as cursor:
        with cursor.copy(f"COPY (SELECT * FROM {table} ORDER BY seq) TO STDOUT (FORMAT csv)") as copy:  # noqa: S608
            rows = [bytes(row) for row in copy]
        cursor.execute(f"CREATE TABLE bare_{table} (LIKE {table})")
        cursor.execute(f"ALTER TABLE bare_{table} ADD PRIMARY KEY (seq)")
        blocks = [b"".join(rows[at : at + every]) for at in range(0, len(rows), every)]
        began = time.perf_counter()
        for block in blocks:
            with connection.transaction(), cursor.copy(f"COPY bare_{table} FROM STDIN (FORMAT csv)") as copy:
                copy.write(block)
        return len(rows), time.perf_counter() - began


def _inserted(connection: Any, table: str, every: int) -> tuple[int, float]:
    cursor = connection.execute(f"SELECT * FROM {table} ORDER BY seq")  # noqa: S608 (names of our own)
    names = [column[0] for column in cursor.description]
    rows = cursor.fetchall()
    marks = ", ".join("?" * len(names))
    connection.execute(f"CREATE TABLE bare_{table} ({names[0]} bigint NOT NULL PRIMARY KEY, {', '.join(names[1:])})")
    began = time.perf_counter()
    for at in range(0, len(rows), every):
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(f"INSERT INTO bare_{table} VALUES ({marks})", rows[at : at + every])  # noqa: S608
        connection.execute("COMMIT")
    return len(rows), time.perf_counter() - began


if __name__ == "__main__":
    main(int(sys.argv[1]))
