"""Queue jobs for the tests of workers: they leave lines in a file."""

import time
from pathlib import Path


def write(path: str, line: str) -> None:
    """Append the line."""
    with Path(path).open("a") as file:
        file.write(line + "\n")


def write_after(path: str, line: str, seconds: float) -> None:
    """Append "begun", and the line when the time is over."""
    write(path, "begun")
    time.sleep(seconds)
    write(path, line)


def write_when(path: str, line: str, gate: str) -> None:
    """Append the line, and stay until there is a file of the gate's name."""
    write(path, line)
    while not Path(gate).exists():
        time.sleep(0.02)


def fail(path: str, line: str) -> None:
    """Raise an exception that says the line, because of one that says it as well."""
    write(path, "begun")
    try:
        int(line)
    except ValueError as error:
        raise LookupError(line) from error
