"""A PostgreSQL server for the length of a block, from the system's programs, with their own default settings."""

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg

from backoffice.bench.processes import BenchFailed

START_SECONDS = 30.0


def postgresql_programs() -> Path | None:
    """The folder of initdb and postgres, which Debian keeps off the PATH; the newest, None where there is none."""
    initdb = shutil.which("initdb")
    folders = [Path(initdb).parent] if initdb else list(Path("/usr/lib/postgresql").glob("*/bin"))
    return max(folders, key=lambda folder: (len(folder.parts[-2]), folder), default=None)


@contextmanager
def temporary_cluster(programs: Path, extra: Sequence[str] = ()) -> Iterator[str]:
    """The URL of a server on loopback that is gone, with its files, at the end of the block. `extra`: its options."""
    user = _ordinary_user()
    folder = Path(tempfile.mkdtemp(prefix="nightward-postgresql-"))
    try:
        password = secrets.token_urlsafe(16)
        _initialise(programs, folder, password, user)
        port = _free_port()
        options = ("-p", str(port), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", *extra)
        with (folder / "log").open("wb") as log, subprocess.Popen(  # noqa: S603 (a program of the system)
            [programs / "postgres", "-D", folder / "data", *options],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, user=user, cwd=folder,
            start_new_session=True,  # Ctrl-C is ours: whoever still uses the server ends first
        ) as server:  # fmt: skip
            try:
                url = f"postgresql://bench:{password}@127.0.0.1:{port}/postgres"
                _wait_for(url, server)
                yield url
            finally:
                server.terminate()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _initialise(programs: Path, folder: Path, password: str, user: int | None) -> None:
    note = folder / "password"
    note.write_text(password)
    if user is not None:
        for path in (folder, note):
            os.chown(path, user, -1)
    options = ("--username=bench", "--auth=scram-sha-256", f"--pwfile={note}", "--encoding=UTF8", "--locale=C.UTF-8")
    ended = subprocess.run(  # noqa: S603 (a program of the system)
        [programs / "initdb", f"--pgdata={folder / 'data'}", *options],
        capture_output=True, text=True, check=False, user=user, cwd=folder,
    )  # fmt: skip
    if ended.returncode:
        raise BenchFailed(f"initdb: {(ended.stderr.strip().splitlines() or ['it said nothing'])[-1]}")


def _ordinary_user() -> int | None:
    """Whom the server runs as where we are root, which it refuses; None: as ourselves."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            continue
    raise BenchFailed("PostgreSQL refuses to run as root, and there is no other user: run ./bin/bench as one.")


def _wait_for(url: str, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise BenchFailed("The temporary PostgreSQL server did not start.") from None
            time.sleep(0.05)
        else:
            return


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
