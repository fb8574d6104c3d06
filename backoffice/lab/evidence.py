"""What a process says of its own fault, in a file that outlives it: without that, a fault that never happened would
look like one that was survived."""

import json
import os
from pathlib import Path
from typing import Any

from django.conf import settings

FILE = "evidence.jsonl"


def note(**facts: Any) -> None:
    """Add one line, on disk before this returns."""
    with (Path(settings.NIGHTWARD_HOME) / FILE).open("a", encoding="utf-8") as file:
        file.write(json.dumps(facts) + "\n")
        file.flush()
        os.fsync(file.fileno())


def taken(home: Path) -> list[dict[str, Any]]:
    """The lines of the last process, which are gone with this."""
    path = home / FILE
    if not path.exists():
        return []
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    path.unlink()
    return lines


def of_error(error: BaseException) -> dict[str, Any]:
    """Class, SQLSTATE and errno of an error and of what caused it, as far as they have any."""
    found: dict[str, Any] = {"error": type(error).__name__}
    cause: BaseException | None = error
    while cause is not None:
        for name in ("sqlstate", "errno", "sqlite_errorname"):
            if getattr(cause, name, None) is not None:
                found.setdefault(name, getattr(cause, name))
        cause = cause.__cause__ or cause.__context__
    return found
