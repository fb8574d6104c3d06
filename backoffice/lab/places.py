"""Where nights are broken: databases of the work and of the accumulators, and how they are put back between cases."""

import ctypes
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

from backoffice.bench.databases import Database, Postgresql, Sqlite
from backoffice.bench.processes import ROOT, environment
from backoffice.lab import evidence
from backoffice.lab.attempt import SAID
from backoffice.lab.harm import BALLAST

TMPFS_BYTES = 256 << 20
KILLED = -9


class LabFailed(Exception):
    """The lab itself cannot go on; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """`other`: a database of their own for the accumulators, of the same kind or another."""

    main: Database
    other: Database | None = None

    @property
    def name(self) -> str:
        return f"{self.main.name}, accumulators in another {self.other.name}" if self.other else self.main.name


@dataclass(kw_only=True)
class Ground:
    """A place that is open: its home, its databases and the process that forks attempts. `loaded`: copies by folder."""

    place: Place
    home: Path
    urls: dict[Database, str]
    server: "subprocess.Popen[str]"
    errors: IO[str]
    loaded: dict[Path, dict[Database, str]] = field(default_factory=dict)

    def begin(self, claims: Path, spec: dict[str, Any]) -> None:
        """Claims staged in databases that are otherwise empty, and no file of an earlier night."""
        shutil.rmtree(self.home / "nights", ignore_errors=True)
        if claims not in self.loaded:
            self._put_back(self.loaded.setdefault(Path(), self._keep()))
            told = self.attempt(spec | {"do": "load", "claims": str(claims)})
            if told["status"] != "loaded":
                raise LabFailed(f"The claims could not be loaded: {told['detail']}")
            self.loaded[claims] = self._keep()
        self._put_back(self.loaded[claims])

    def attempt(self, spec: dict[str, Any]) -> dict[str, Any]:
        """What it said, and its evidence; of one that was killed, or ended as no fault explains: {"status": "killed" or
        "crashed"}."""
        if self.server.stdin is None or self.server.stdout is None:
            raise LabFailed("The lab's process has no channel to it.")
        (self.home / SAID).unlink(missing_ok=True)
        (self.home / "nights" / BALLAST).unlink(missing_ok=True)
        self.server.stdin.write(json.dumps(spec) + "\n")
        self.server.stdin.flush()
        status = int(self.server.stdout.readline() or 1)
        told = {"evidence": evidence.taken(self.home)}
        if status == KILLED:
            return {"status": "killed", **told}
        if status:
            self.errors.seek(0)
            lines = self.errors.read().strip().splitlines() or ["it said nothing"]
            return {"status": "crashed", "detail": f"status {status}, {lines[-1][:200]}", **told}
        return {**json.loads((self.home / SAID).read_text(encoding="utf-8")), **told}

    def _keep(self) -> dict[Database, str]:
        return {database: database.keep(url) for database, url in self.urls.items()}

    def _put_back(self, kept: dict[Database, str]) -> None:
        for database, url in self.urls.items():
            database.put_back(url, kept[database])


@contextmanager
def opened(place: Place, folder: Path) -> Iterator[Ground]:
    """The place with a home of its own, both gone at the end."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(TemporaryDirectory(dir=folder, ignore_cleanup_errors=True)))
        urls = {each: stack.enter_context(each.fresh()) for each in (place.main, place.other) if each is not None}
        env = environment(home, urls[place.main])
        if place.other is not None:
            env["ACCUMULATORS_DATABASE_URL"] = urls[place.other]
        errors = stack.enter_context((home / "errors.log").open("a+", encoding="utf-8"))
        server = subprocess.Popen(
            [sys.executable, "-m", "backoffice.lab.server"], cwd=ROOT, env=env, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
        )  # fmt: skip
        with server:
            yield Ground(place=place, home=home, urls=urls, server=server, errors=errors)


@contextmanager
def small_disk(home: Path) -> Iterator[bool]:
    """A file system of its own under the nights, small enough to be filled, where we may mount one; whether we may."""
    nights = home / "nights"
    nights.mkdir(mode=0o700, exist_ok=True)
    libc = ctypes.CDLL(None, use_errno=True)
    options = f"size={TMPFS_BYTES},mode=700".encode()
    mounted = os.geteuid() == 0 and libc.mount(b"tmpfs", os.fsencode(nights), b"tmpfs", 0, options) == 0
    try:
        yield mounted
    finally:
        if mounted:
            libc.umount2(os.fsencode(nights), 2)  # MNT_DETACH


@contextmanager
def places_on(here: list[Database], folder: Path, *, own: bool) -> Iterator[list[Place]]:
    """Every database by itself; with `own`, those with a second one for the accumulators, of their kind and mixed."""
    places = [Place(main=database) for database in here]
    with ExitStack() as stack:
        if own:
            others: dict[str, Database] = {Sqlite.name: Sqlite(folder / "accumulators", alias="accumulators")}
            for database in here:
                if isinstance(database, Postgresql):
                    others[database.name] = stack.enter_context(closing(database.second(folder / "second-home")))
            places += [Place(main=database, other=others[database.name]) for database in here]
            places += [Place(main=each, other=others[Sqlite.name]) for each in here if each.name != Sqlite.name]
        yield places
