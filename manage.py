#!/usr/bin/env python
"""Nightward's command line: every job, and what Django brings."""

import os
import sys


def main() -> None:
    """Run a command. A database that cannot be used is one line and status 1, whatever the command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
    from django.core.management import execute_from_command_line
    from django.db import InterfaceError, OperationalError, ProgrammingError

    try:
        execute_from_command_line(sys.argv)
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
    return "Start it, or correct DATABASE_URL."


if __name__ == "__main__":
    main()
