"""The databases as Django names them, each frozen at one moment, written to a file and put back from it."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

import psycopg
from django.conf import settings
from django.db import connections

from backoffice.runs.faults import Misuse

# What a night's step 5 writes in another database than the rest, where there are two (claims/router.py).
BETWEEN = ("claims_accumulator", "claims_accumulatorfence")
LIBPQ = ("dbname", "user", "password", "host", "port", "sslmode")
FILES = {"sqlite": "sqlite3", "postgresql": "dump"}


class Snapshot(Protocol):
    """One database at one moment."""

    def write(self, path: Path) -> None: ...


def engine(alias: str) -> str:
    """sqlite or postgresql."""
    return str(connections[alias].vendor)


def file_of(alias: str) -> str:
    """Its name in a back-up."""
    return f"{alias}.{FILES[engine(alias)]}"


@contextmanager
def snapshots() -> Iterator[dict[str, Snapshot]]:
    """Alias → the database, all of them at one moment.

    A night commits its before images in one database, writes the accumulators in the other, and commits its checkpoint
    in the first. While the accumulators stand still, both are as a crash would leave them, and a restart mends that;
    with the one later than the other it could not. They stand still for as long as it takes to fix both, not to copy.
    """
    with ExitStack() as stack:
        with ExitStack() as still:
            if len(list(connections)) > 1:
                still.enter_context(_standing_still(settings.ACCUMULATORS_DATABASE))
            found = {alias: stack.enter_context(_snapshot(alias)) for alias in connections}
        yield found


@contextmanager
def _standing_still(alias: str) -> Iterator[None]:
    """Nobody writes there meanwhile; who has begun is waited for."""
    if engine(alias) == "sqlite":
        with closing(_sqlite(alias)) as file:
            file.execute("BEGIN IMMEDIATE")
            yield
            file.rollback()
        return
    with _postgresql(alias) as server, server.transaction(force_rollback=True):
        server.execute(f"LOCK TABLE {', '.join(BETWEEN)} IN SHARE MODE")
        yield


@contextmanager
def _snapshot(alias: str) -> Iterator[Snapshot]:
    if engine(alias) == "sqlite":
        with closing(_sqlite(alias)) as file:
            file.execute("BEGIN")
            file.execute("SELECT count(*) FROM sqlite_master").fetchone()  # fixes what it sees
            yield _SqliteSnapshot(file)
        return
    with _postgresql(alias) as server, server.transaction():
        server.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        (name,) = server.execute("SELECT pg_export_snapshot()").fetchone() or ("",)
        yield _PostgresqlSnapshot(alias, name)


class _SqliteSnapshot:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def write(self, path: Path) -> None:
        """By SQLite's online back-up, which holds up no writer where there is a write-ahead log."""
        with closing(sqlite3.connect(path)) as target:
            self._connection.backup(target)
            target.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it


class _PostgresqlSnapshot:
    def __init__(self, alias: str, name: str) -> None:
        self._alias, self._name = alias, name

    def write(self, path: Path) -> None:
        options = ("--format=custom", "--no-owner", "--no-privileges", f"--snapshot={self._name}", f"--file={path}")
        run_program("pg_dump", options, self._alias)


def is_empty(alias: str) -> bool:
    """Whether there is no table in it."""
    try:
        return not connections[alias].introspection.table_names()
    finally:
        connections[alias].close()


def put_back(alias: str, path: Path) -> None:
    """Fill the empty database from the file, all of it or nothing."""
    if engine(alias) == "sqlite":
        connections[alias].close()
        target = Path(connections[alias].settings_dict["NAME"])
        draft = target.with_name(f".{target.name}.restoring")
        shutil.copyfile(path, draft)
        draft.chmod(0o600)
        for suffix in ("-wal", "-shm"):
            target.with_name(target.name + suffix).unlink(missing_ok=True)
        draft.replace(target)
        return
    options = ("--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges", str(path))
    name = str(connections[alias].settings_dict["NAME"])
    run_program("pg_restore", (f"--dbname={name}", *options), alias)


def run_program(program: str, options: tuple[str, ...], alias: str) -> None:
    """One of PostgreSQL's own. The password goes by the environment: others see what a program is called with."""
    found = shutil.which(program)
    if found is None:
        raise Misuse(f"{program} is not installed: apt install postgresql-client.")
    environment = {**os.environ, **_libpq(connections[alias].settings_dict)}
    done = subprocess.run(  # noqa: S603 (a program of the system)
        [found, *options], env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[0]
        raise Misuse(f"{said} (status {done.returncode})")


def _libpq(config: Mapping[str, Any]) -> dict[str, str]:
    names = {"PGHOST": "HOST", "PGPORT": "PORT", "PGUSER": "USER", "PGPASSWORD": "PASSWORD", "PGDATABASE": "NAME"}
    found = {variable: str(config[name]) for variable, name in names.items() if config.get(name)}
    if mode := config.get("OPTIONS", {}).get("sslmode"):
        found["PGSSLMODE"] = str(mode)
    return found


def _sqlite(alias: str) -> sqlite3.Connection:
    return sqlite3.connect(connections[alias].settings_dict["NAME"], timeout=60.0, isolation_level=None)


def _postgresql(alias: str) -> psycopg.Connection[Any]:
    parameters: dict[str, Any] = connections[alias].get_connection_params()
    wanted = {name: parameters[name] for name in LIBPQ if name in parameters}
    return psycopg.connect(**wanted, autocommit=True)
