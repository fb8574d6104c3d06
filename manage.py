#!/usr/bin/env python
"""Nightward's command line: every job, and what Django brings."""

import os
import signal
import sys


def main() -> None:
    """Run a command. A database that cannot be used is one line and status 1, whatever the command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
    try:
        from django.core.management import execute_from_command_line
    except ModuleNotFoundError:
        sys.exit("Django is not installed for this Python. Run: .venv/bin/python manage.py (./bin/demo makes .venv)")
    from django.db import InterfaceError, OperationalError, ProgrammingError

    try:
        execute_from_command_line(sys.argv)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has enough of it, as `| head` has; Python would complain once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(128 + signal.SIGPIPE)
    except (InterfaceError, OperationalError, ProgrammingError) as error:
        reason = " ".join(str(error).split())
        sys.stderr.write(f"The database cannot be used ({reason}). {what_to_do(reason)}\n")
        sys.exit(1)


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
