"""How a night is broken, inside the process that works it. Nothing of this is known to the pipeline."""

import os
import resource
import signal
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.db import connection, connections
from django.db.transaction import Atomic

from backoffice.lab.cases import NOMINAL
from backoffice.runs import kernel
from backoffice.runs.job import Job
from backoffice.runs.registry import job_named
from claims.pipeline import files
from claims.pipeline.night import Work

JOB = "run_pipeline"
LOCKED_SECONDS = 2
commits: list[int] = []  # one for each that ended well


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def arm(fault: dict[str, Any], lines: int, partitions: int) -> None:
    """Have the fault happen in this process, once."""
    if fault["kind"] == "boundary":
        count_commits(fault["number"], fault["side"])
    elif fault["kind"] == "cut_key":
        Work.after = property(_cut_to_the_claim)  # type: ignore[assignment, method-assign]
    else:
        armed = broken(job_named(JOB), fault, lines, partitions)
        setattr(kernel, "job_named", lambda name: armed)  # noqa: B010


def broken(job: Job, fault: dict[str, Any], lines: int, partitions: int) -> Job:
    """The job, one phase of one step of which meets the fault once, at the checkpoint that holds the record."""
    # Within a part: members are spread evenly over the partitions.
    divided = partitions if fault["step"] in ("enrich", "price", "adjudicate") else 1
    record = fault["record"] * lines / NOMINAL / divided
    due = threading.Event()

    def breaking(step: Any) -> Any:
        own = {name: getattr(step, name) for name in ("prepare", fault["phase"])}

        def prepare(opened: Any, chunk: Any) -> Any:
            if chunk.done >= record:
                due.set()
            return meet(opened, chunk) if fault["phase"] == "prepare" else own["prepare"](opened, chunk)

        def meet(*arguments: Any) -> Any:
            if not (due.is_set() or fault["phase"] == "verify"):
                return own[fault["phase"]](*arguments)
            due.clear()
            return HAPPEN[fault["kind"]](lambda: own[fault["phase"]](*arguments), fault, arguments[0])

        return replace(step, **{fault["phase"]: meet, "prepare": prepare})

    return replace(job, steps=tuple(breaking(step) if step.name == fault["step"] else step for step in job.steps))


def _kill(go_on: Callable[[], Any], fault: dict[str, Any], opened: Any) -> Any:
    when = fault.get("when", "inside")
    done = go_on()
    if when == "after_commit":
        # The phase's own transaction is still open: die at the next one's beginning.
        begin = Atomic.__enter__

        def dying(self: Atomic) -> None:
            die()
            begin(self)

        Atomic.__enter__ = dying  # type: ignore[method-assign]
        return done
    die()
    return done


def _lose_database(go_on: Callable[[], Any], fault: dict[str, Any], opened: Any) -> Any:
    """The server ends our connection in the middle of a transaction. A file has no connection to lose."""
    import psycopg

    pid = connection.connection.info.backend_pid
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [pid])
    return go_on()


def _deadlock(go_on: Callable[[], Any], fault: dict[str, Any], opened: Any) -> Any:
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
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL deadlock_timeout = '50ms'")
        cursor.execute("SELECT pg_advisory_xact_lock(2423)")
    return go_on()


def _keep_locked(go_on: Callable[[], Any], fault: dict[str, Any], opened: Any) -> Any:
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
    return found


def _fill_disk(go_on: Callable[[], Any], fault: dict[str, Any], opened: Any) -> Any:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        return go_on()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


HAPPEN = {
    "kill": _kill, "database": _lose_database, "deadlock": _deadlock, "locked": _keep_locked, "disk": _fill_disk,
}  # fmt: skip


def count_commits(number: int = 0, side: str = "") -> None:
    """Count the outermost transactions that end well; die right before or after the one of that number."""
    leave = Atomic.__exit__

    def counted(self: Atomic, kind: Any, error: Any, trace: Any) -> None:
        outermost = not connections[self.using or "default"].savepoint_ids
        ends = outermost and kind is None and threading.current_thread() is threading.main_thread()
        commits.extend([1] * ends)
        if ends and len(commits) == number and side == "before":
            die()
        leave(self, kind, error, trace)
        if ends and len(commits) == number and side == "after":
            die()

    Atomic.__exit__ = counted  # type: ignore[method-assign]


def _cut_to_the_claim(work: Work) -> int:
    """The bug of [S2-26]: a restart that remembers the claim and not the line begins with the claim's first line."""
    seq = int((work.part.checkpoint or {}).get("seq", 0))
    if work.part.step.name != "enrich" or not seq:
        return seq
    *_, last = [row for row in files.of_output(work.night, "enriched") if row.partition == work.partition]
    frame = files.load(last, ["seq", "claim_id"])
    of_last = frame.filter(frame["claim_id"] == frame["claim_id"][-1])
    return int(of_last["seq"][0]) - 1
