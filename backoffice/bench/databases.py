"""The databases that everything is measured on: SQLite files, and PostgreSQL where it is at hand."""

import os
import secrets
import shutil
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from backoffice.bench.cluster import postgresql_programs, temporary_cluster
from backoffice.bench.machine import sqlite_version
from backoffice.bench.processes import MANAGE, environment, run

NOT_HERE = (
    "PostgreSQL is not here and was left out: apt install postgresql, or set DATABASE_URL to a server where databases "
    "may be created."
)


class Database(Protocol):
    """Where databases come from. `version` names the program, too."""

    name: str
    version: str

    def fresh(self) -> AbstractContextManager[str]:
        """The URL of a database of one's own, migrated and empty, gone afterwards."""
        ...

    def keep(self, url: str) -> str:
        """The URL of a copy of the database as it stands, for `put_back`; nobody may be connected to it."""
        ...

    def put_back(self, url: str, kept: str) -> None:
        """Make the database what the copy is."""
        ...


class Sqlite:
    """Files in one folder, copied from a migrated one."""

    name = "SQLite"

    def __init__(self, folder: Path, *, alias: str = "default") -> None:
        self.version = sqlite_version()
        self._folder = folder
        self._template = folder / "template.sqlite3"
        folder.mkdir(parents=True)
        _migrate(folder / "home", _sqlite_url(self._template), alias)

    @contextmanager
    def fresh(self) -> Iterator[str]:
        file = self._folder / f"{secrets.token_hex(4)}.sqlite3"
        shutil.copyfile(self._template, file)
        try:
            yield _sqlite_url(file)
        finally:
            _remove(file)

    def keep(self, url: str) -> str:
        copy = self._folder / f"{secrets.token_hex(4)}.kept"
        with closing(sqlite3.connect(_file_of(url))) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)  # with what still lies in its log
        return _sqlite_url(copy)

    def put_back(self, url: str, kept: str) -> None:
        _remove(_file_of(url))
        shutil.copyfile(_file_of(kept), _file_of(url))


class Postgresql:
    """Databases of one server, made from a migrated template; the template goes with close()."""

    name = "PostgreSQL"

    def __init__(self, url: str, home: Path, *, alias: str = "default") -> None:
        self._url = url
        self._prefix = f"nightward_bench_{secrets.token_hex(4)}"
        self._admin = psycopg.connect(url, autocommit=True)
        self.version = (
            f"PostgreSQL {self._admin.info.server_version // 10_000}.{self._admin.info.server_version % 10_000}"
        )
        self._create(self._prefix, "template0")
        self._kept: list[str] = []
        _migrate(home, self._url_of(self._prefix), alias)

    @contextmanager
    def fresh(self) -> Iterator[str]:
        name = f"{self._prefix}_{secrets.token_hex(4)}"
        self._create(name, self._prefix)
        try:
            yield self._url_of(name)
        finally:
            self._drop(name)

    def second(self, home: Path) -> "Postgresql":
        """Databases of the same server that hold what the product keeps under the alias accumulators."""
        return Postgresql(self._url, home, alias="accumulators")

    def keep(self, url: str) -> str:
        name = f"{self._prefix}_{secrets.token_hex(4)}"
        self._create(name, _name_of(url))
        self._kept.append(name)
        return self._url_of(name)

    def put_back(self, url: str, kept: str) -> None:
        self._drop(_name_of(url))
        self._create(_name_of(url), _name_of(kept))

    def close(self) -> None:
        for name in (*self._kept, self._prefix):
            self._drop(name)
        self._admin.close()

    def _create(self, name: str, template: str) -> None:
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} ENCODING 'UTF8'")
        self._admin.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))

    def _drop(self, name: str) -> None:
        self._admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _url_of(self, name: str) -> str:
        return urlsplit(self._url)._replace(path=f"/{name}").geturl()


@contextmanager
def databases(folder: Path, wanted: Collection[str], *, options: Sequence[str] = ()) -> Iterator[list[Database]]:
    """Those of `wanted` that are here. PostgreSQL: that of DATABASE_URL, or a server of our own for the block, with
    these options."""
    with ExitStack() as stack:
        found: list[Database] = [Sqlite(folder / "sqlite")] if Sqlite.name in wanted else []
        url = _server(stack, options) if Postgresql.name in wanted else None
        if url:
            server = Postgresql(url, folder / "postgresql-home")
            stack.callback(server.close)
            found.append(server)
        yield found


@contextmanager
def empty_database(folder: Path) -> Iterator[tuple[str, str]]:
    """The URL of a database without a table, gone afterwards, and what it is: of DATABASE_URL's PostgreSQL, or of a
    server of our own, or where there is none a file of SQLite."""
    with ExitStack() as stack:
        url = _server(stack, ())
        if url is None:
            yield _sqlite_url(folder / "nightward.sqlite3"), Sqlite.name
            return
        name = f"nightward_rehearsal_{secrets.token_hex(4)}"
        admin = stack.enter_context(closing(psycopg.connect(url, autocommit=True)))
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(sql.Identifier(name)))
        stack.callback(admin.execute, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
        yield urlsplit(url)._replace(path=f"/{name}").geturl(), Postgresql.name


def _server(stack: ExitStack, options: Sequence[str]) -> str | None:
    url = os.environ.get("DATABASE_URL", "")
    if urlsplit(url).scheme not in ("postgres", "postgresql"):
        programs = postgresql_programs()
        return stack.enter_context(temporary_cluster(programs, options)) if programs else None
    return url


def _sqlite_url(file: Path) -> str:
    return f"sqlite:///{file}"


def _file_of(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


def _name_of(url: str) -> str:
    return urlsplit(url).path.removeprefix("/")


def _remove(file: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)


def _migrate(home: Path, url: str, alias: str) -> None:
    """The whole product, or what the database of that alias has of it."""
    env = environment(home, url) if alias == "default" else {**environment(home), "ACCUMULATORS_DATABASE_URL": url}
    run(*MANAGE, "migrate", "--database", alias, "--no-input", "--verbosity", "0", env=env)
