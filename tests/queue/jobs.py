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
