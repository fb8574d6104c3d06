"""A cron of our own, for where there is none: it starts what is due, each in a process of its own."""

import multiprocessing
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from multiprocessing.context import ForkProcess
from pathlib import Path

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connections

from backoffice.deploy.crontab import Entry, entries
from backoffice.presence import Presence, run_again
from backoffice.runs.command import EXIT_ALREADY_RUNNING

log = structlog.get_logger(__name__)
Line = tuple[str, ...]
Lines = Callable[[Entry, datetime], list[Line]]
# A command that others have begun does the work of the one that was refused.
DONE = frozenset({0, EXIT_ALREADY_RUNNING})
STOP_SECONDS = 30.0
LOOK_SECONDS = 0.5


class Clock:
    """Children by what they run: a line that still runs is not started once more."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self._children: dict[Line, ForkProcess] = {}

    def run(self) -> None:
        """Start what is due, minute by minute, until a signal, and what was missed while no clock ran or no schedule
        could be read."""
        presence = Presence(name="cron", on_restart=self.stop.set)
        minute = None
        while not self.stop.is_set():
            now = datetime.now(UTC)
            if now.replace(second=0, microsecond=0) != minute and self.start_all(due_or_missed):
                minute = now.replace(second=0, microsecond=0)
            self.reap()
            presence.say()
            self.stop.wait(LOOK_SECONDS)
        self.end()
        presence.leave()
        if presence.restarting:
            run_again()

    def start_all(self, lines: Lines) -> bool:
        """False, with nothing started, where the database is away: it is asked which regions there are."""
        now = datetime.now(UTC)
        try:
            wanted = [line for entry in entries() for line in lines(entry, now)]
        except (DatabaseError, InterfaceError) as error:
            log.error("schedule_unreadable", error=type(error).__name__)
            return False
        finally:
            connections.close_all()  # a child must not find this process's connection
        for line in wanted:
            if line not in self._children and not self.stop.is_set():
                self._children[line] = started(line)
        return True

    def run_once(self, lines: Iterable[Line]) -> int:
        """One after the other; 0, or 1 where one of them failed. A signal ends the one that runs; the rest is left."""
        connections.close_all()
        failed = False
        for line in lines:
            if self.stop.is_set():
                break
            self._children[line] = started(line)
            while self._children:
                failed = not self.reap() or failed
                if self.stop.wait(0.02):
                    self.end()
        return int(failed)

    def reap(self) -> bool:
        """Whether all that ended ended well; what did not is logged with its status."""
        ended = {line: child for line, child in self._children.items() if not child.is_alive()}
        for line, child in ended.items():
            del self._children[line]
            if child.exitcode not in DONE:
                log.error("command_failed", command=" ".join(line), status=child.exitcode)
        return all(child.exitcode in DONE for child in ended.values())

    def end(self) -> None:
        """Children stop at their next chunk, or are killed."""
        for child in self._children.values():
            child.terminate()
        for child in self._children.values():
            child.join(STOP_SECONDS)
            if child.is_alive():
                child.kill()
                child.join()
        self._children.clear()


def due_or_missed(entry: Entry, now: datetime) -> list[Line]:
    return [*entry.missed(now), *(entry.lines() if entry.is_due(now) else [])]


def started(line: Line) -> ForkProcess:
    """A process that runs `manage.py LINE`; forked, since to import everything anew takes a second each time."""
    child = multiprocessing.get_context("fork").Process(target=_manage, args=(line,), name=line[0])
    child.start()
    return child


def _manage(line: Line) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    sys.path.insert(0, str(settings.BASE_DIR))
    from manage import main

    sys.argv = [str(Path(settings.BASE_DIR) / "manage.py"), *line]
    main()
