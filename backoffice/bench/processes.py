"""Processes of the product, each with a home and a database of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from django.conf import settings

ROOT = Path(settings.BASE_DIR)
MANAGE = (sys.executable, str(ROOT / "manage.py"))
LAUNCH = (sys.executable, "-I", "-S", str(Path(__file__).with_name("launch.py")))
REGION_MIB = 256
CONFINED = ("--half-a-core", "--address-space", str(REGION_MIB))
# What of our own surroundings would reach into a measured process; the last one would triple the start of each.
OURS = (
    *("DATABASE_URL", "REDIS_URL", "NIGHTWARD_HOME", "LOG_LEVEL", "LOG_FORMAT", "DEBUG", "DJANGO_SETTINGS_MODULE"),
    *("ACCUMULATORS_DATABASE_URL", "ALERT_MAIL_TO", "ALERT_WEBHOOK_URL", "EMAIL_URL", "ONLY_HOSTS"),
    "PYTHONDONTWRITEBYTECODE",
)


class BenchFailed(Exception):
    """What was to be measured did not run; the message says what it said last."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """What a process said and used, from its start to its end."""

    stdout: str
    peak_mib: float
    cpu_seconds: float


def environment(home: Path, database_url: str = "") -> dict[str, str]:
    """The variables of a process that stands on this home and this database."""
    kept = {name: value for name, value in os.environ.items() if name not in OURS}
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    return {**kept, "NIGHTWARD_HOME": str(home), "DATABASE_URL": database_url, "PYTHONWARNINGS": "ignore"}


def run(*arguments: str, env: Mapping[str, str], text: str = "") -> str:
    """Standard output of a program that ended well; BenchFailed otherwise. `text` is its standard input."""
    ended = subprocess.run(arguments, env=env, input=text, capture_output=True, text=True, check=False, cwd=ROOT)  # noqa: S603
    if ended.returncode:
        said = (ended.stderr or ended.stdout).strip().splitlines() or ["it said nothing"]
        raise BenchFailed(f"{_name(arguments)} ended with status {ended.returncode}: {said[-1]}")
    return ended.stdout


def measured(*arguments: str, env: Mapping[str, str], confined: bool = False) -> Usage:
    """The same, with the peak of its resident memory and the processor time that it used. `confined`: within what a
    region has [S1-05], 256 MiB of address space (RLIMIT_AS) and half a core."""
    with TemporaryDirectory(prefix="nightward-usage-") as folder:
        report = Path(folder) / "usage.json"
        limits = CONFINED if confined else ()
        stdout = run(*LAUNCH, *limits, str(report), *arguments, env=env)
        used = json.loads(report.read_text())
    return Usage(stdout=stdout, peak_mib=used["peak_bytes"] / 2**20, cpu_seconds=used["cpu_seconds"])


@contextmanager
def serving(*arguments: str, env: Mapping[str, str]) -> Iterator[str]:
    """The first line that a server says, once it has said it; the server is stopped at the end."""
    with subprocess.Popen(  # noqa: S603 (our own command)
        arguments, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line:
                raise BenchFailed(f"{_name(arguments)} did not start; its last messages say why.")
            yield line
        finally:
            process.terminate()


def _name(arguments: Sequence[str]) -> str:
    """The management command, or else the first word that is no option."""
    words = [Path(argument).name for argument in arguments[1:] if not argument.startswith("-")]
    return words[words.index("manage.py") + 1] if "manage.py" in words else words[0]
