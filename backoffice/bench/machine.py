"""Where figures were taken: without that they say nothing."""

import os
import platform
import shutil
import sqlite3
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path


def taken_on(root: Path, databases: Iterable[str], *but: Path) -> str:
    """One sentence: date, commit (see commit_of), processor, cores, memory, system, Python and databases."""
    facts = [_processor(), f"{_cores()} cores", f"{_memory_gib():.0f} GiB of memory", _system()]
    facts += [f"Python {platform.python_version()}", *databases]
    return f"Taken on {datetime.now(UTC):%Y-%m-%d} at {commit_of(root, *but)}: {', '.join(facts)}."


def sqlite_version() -> str:
    return f"SQLite {sqlite3.sqlite_version}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, "") or platform.processor() or platform.machine()


def _cores() -> int:
    """Those that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _memory_gib() -> float:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30


def _system() -> str:
    try:
        name = platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        name = f"{platform.system()} {platform.release()}"
    return name


def commit_of(root: Path, *but: Path) -> str:
    """The commit that the files are of, and whether they, `but` these, have changed since."""
    commit = _git(root, "rev-parse", "--short=12", "HEAD")
    if not commit:
        return "no commit"
    inside = (path.resolve() for path in but if path.resolve().is_relative_to(root))
    changes = _git(root, "status", "--porcelain", "--", ".", *(f":(exclude){path}" for path in inside))
    return f"commit {commit}{' with changes' if changes else ''}"


def _git(root: Path, *arguments: str) -> str:
    git = shutil.which("git")
    if git is None:
        return ""
    found = subprocess.run([git, "-C", str(root), *arguments], capture_output=True, text=True, check=False)  # noqa: S603
    return found.stdout.strip() if found.returncode == 0 else ""
