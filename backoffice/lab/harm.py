"""What is done to a process, its disk or its database when a fault is due. `go_on` is what it was about to do."""

import errno
import os
import resource
import signal
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, connections
from django.db.transaction import Atomic

from backoffice.lab.evidence import note, of_error
from claims.pipeline import accumulators

LOCKED_SECONDS = 2
BALLAST = "ballast"
GoOn = Callable[[], Any]
Facts = dict[str, Any]


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def kill(go_on: GoOn, fault: Facts, facts: Facts, opened: Any) -> Any:
    when = fault.get("when", "inside")
    done = go_on()
    if when == "after_commit":
        # The phase's own transaction is still open: die at the next one's beginning.
        begin = Atomic.__enter__

        def dying(self: Atomic) -> None:
            note(**facts, kind="kill", when="before the next transaction")
            die()
            begin(self)

        Atomic.__enter__ = dying  # type: ignore[method-assign]
        return done
    note(**facts, kind="kill", when=when)
    die()
    return done


def lose_connection(go_on: GoOn, fault: Facts, facts: Facts, opened: Any) -> Any:
    """The server ends our connection in the middle of a transaction. A file has no connection to lose."""
    import psycopg

    alias = accumulators.database() if fault.get("of") == "accumulators" else "default"
    lost = connections[alias]
    lost.ensure_connection()

    def end() -> None:
        url = os.environ["ACCUMULATORS_DATABASE_URL" if alias != "default" else "DATABASE_URL"]
        with psycopg.connect(url, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [lost.connection.info.backend_pid])

    if fault.get("of") == "accumulators":
        write = accumulators.write

        def writing(*arguments: Any) -> None:
            end()
            write(*arguments)

        setattr(accumulators, "write", writing)  # noqa: B010
    else:
        end()
    return _noted(go_on, {**facts, "kind": "lost connection", "database": alias})


def deadlock(go_on: GoOn, fault: Facts, facts: Facts, opened: Any) -> Any:
    """Two transactions that wait for each other, ours the one that is chosen to give way."""
    import psycopg

    held = threading.Event()

    def other() -> None:
        with psycopg.connect(os.environ["DATABASE_URL"]) as theirs:
            theirs.execute("SET LOCAL deadlock_timeout = '30s'")
            theirs.execute("SELECT pg_advisory_xact_lock(2423)")
            held.set()
            theirs.execute("UPDATE runs_steppart SET label = label WHERE id = %s", [opened.part.pk])

    threading.Thread(target=other, daemon=True).start()
    held.wait(10)
    time.sleep(0.3)

    def wait_for_theirs() -> Any:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL deadlock_timeout = '50ms'")
            cursor.execute("SELECT pg_advisory_xact_lock(2423)")
        return go_on()

    return _noted(wait_for_theirs, {**facts, "kind": "deadlock"})


def keep_locked(go_on: GoOn, fault: Facts, facts: Facts, opened: Any) -> Any:
    """SQLite's one write lock in other hands for longer than we wait for it, from before our transaction on."""
    found = go_on()
    taken = threading.Event()

    def other() -> None:
        file = sqlite3.connect(settings.DATABASES["default"]["NAME"], isolation_level=None)
        file.execute("BEGIN IMMEDIATE")
        taken.set()
        time.sleep(LOCKED_SECONDS)
        file.close()

    connection.connection.execute("PRAGMA busy_timeout = 500")
    threading.Thread(target=other, daemon=True).start()
    taken.wait(10)
    begin = Atomic.__enter__

    def beginning(self: Atomic) -> None:
        Atomic.__enter__ = begin  # type: ignore[method-assign]
        _noted(lambda: begin(self), {**facts, "kind": "write lock not given"})

    Atomic.__enter__ = beginning  # type: ignore[method-assign]
    return found


def fill_database(go_on: GoOn, fault: Facts, facts: Facts, opened: Any) -> Any:
    """SQLite's file may not grow any more, which is to it as if the disk were full."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA max_page_count = 1")  # the least is what it has
    return _noted(go_on, {**facts, "kind": "database full"})


def fill_disk(go_on: GoOn, fault: Facts, facts: Facts, opened: Any) -> Any:
    """The nights' folder filled to the last byte, where it is a small file system of its own; else no file may grow."""
    nights = Path(settings.STORAGES["nights"]["OPTIONS"]["location"])  # type: ignore[index]
    if nights.is_mount():
        _fill(nights / BALLAST)
        free = os.statvfs(nights).f_bavail
        return _noted(go_on, {**facts, "kind": "disk full", "by": "tmpfs", "blocks_free": free})
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        return _limited(go_on, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard)), facts)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while file.write(bytes(size)) == size:
                    pass
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise


def _limited(go_on: GoOn, lift: Callable[[], None], facts: Facts) -> Any:
    try:
        return go_on()
    except BaseException as error:
        lift()  # or the note could not be written either
        note(**facts, kind="disk full", by="RLIMIT_FSIZE", **of_error(error))
        raise


def _noted(go_on: GoOn, facts: Facts) -> Any:
    """What it runs into is noted. Nothing noted: nothing happened, and the case fails for want of evidence."""
    try:
        return go_on()
    except BaseException as error:
        note(**facts, **of_error(error))
        raise


HAPPEN = {
    "kill": kill, "lost": lose_connection, "deadlock": deadlock, "locked": keep_locked, "full": fill_database,
    "disk": fill_disk,
}  # fmt: skip
