#!/usr/bin/env python
"""Nightward's command line: every job, and what Django brings."""

import os
import re
import signal
import sys
from datetime import UTC, datetime


def main() -> None:
    """Run a command. A database that cannot be used is one line and status 1, whatever the command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
    try:
        from django.core.management import execute_from_command_line
    except ModuleNotFoundError:
        sys.exit("Django is not installed for this Python. Run: .venv/bin/python manage.py (./bin/demo makes .venv)")
    from django.db import InterfaceError, OperationalError, ProgrammingError

    from backoffice.logs import speak_of_exceptions_by_place

    speak_of_exceptions_by_place()

    began, status = datetime.now(UTC), 1
    try:
        execute_from_command_line(sys.argv)
        sys.stdout.flush()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
        raise
    except BrokenPipeError:
        # Whoever read our output has enough of it, as `| head` has; Python would complain once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(128 + signal.SIGPIPE)
    except (InterfaceError, OperationalError, ProgrammingError) as error:
        reason = reason_in(str(error))
        sys.stderr.write(f"The database cannot be used ({reason}). {what_to_do(reason)}\n")
        sys.exit(1)
    finally:
        note_end(status, began)


def note_end(status: int, began: datetime) -> None:
    """For the schedule's page and its alarm, which know by this whether cron starts what it should."""
    from django.apps import apps

    if apps.ready:
        from clinic.care.schedule.noting import note_command

        note_command(sys.argv[1:], status, began)
        hand_over_log_lines()


def hand_over_log_lines() -> None:
    """To the page Logs, which has those of cron's commands as well."""
    from backoffice.logs import LastLines

    if LastLines.held and len(sys.argv) > 1:
        from backoffice.presence import hand_over

        hand_over(sys.argv[1])


def reason_in(message: str) -> str:
    """The database's words, without the row and the statement with its values that PostgreSQL writes below them."""
    return " ".join(re.split(r"\n(?:LINE \d+|DETAIL|CONTEXT|HINT|QUERY):", message)[0].split())


def what_to_do(reason: str) -> str:
    """The next step, from the database's own words."""
    if "no such" in reason or "does not exist" in reason:
        return "Run: manage.py migrate"
    if "readonly" in reason or "read-only" in reason or "unable to open" in reason:
        return "Set NIGHTWARD_HOME to a folder that you can write, or correct DATABASE_URL."
    if "full" in reason or "No space" in reason:
        return "Free some space on its disk."
    return "Start it, or correct DATABASE_URL."


if __name__ == "__main__":
    main()
