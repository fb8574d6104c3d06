"""`sandbox hospital`: one hospital, served until it is told to stop."""

import argparse
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from backoffice.sandbox.hospital.faults import KINDS, Faults
from backoffice.sandbox.hospital.folder import FolderError
from backoffice.sandbox.hospital.generate import generate
from backoffice.sandbox.hospital.journal import JournalError
from backoffice.sandbox.hospital.server import Hospital
from backoffice.sandbox.refused import Refused
from backoffice.sandbox.serving import TOKEN_VARIABLE, start, token_of, told_to_stop

DEFAULT_PORT: Final = 8801
GENERATED: Final = 2000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sandbox hospital`."""
    parser.add_argument("--data", type=Path, metavar="DIR", help="CSV folder; without it a small hospital is made up")
    parser.add_argument(
        "--port",
        type=int,
        default=DEFAULT_PORT,
        metavar="P",
        help=f"default {DEFAULT_PORT}; 0 lets the system choose, and keeps writes in memory only",
    )
    parser.add_argument("--token", metavar="T", help=f"bearer token; default {TOKEN_VARIABLE}, or one made and printed")
    parser.add_argument("--latency-ms", type=float, default=0.0, metavar="N", help="added to every answer")
    parser.add_argument(
        "--fail",
        action="append",
        default=[],
        metavar="KIND=RATE",
        help=f"may be given again; rates such as 0.01 or 1%%; {', '.join(KINDS)}, block:CODE=BLOCK_REJECTED",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the faults, so that a run repeats")
    parser.add_argument("--slow-seconds", type=float, default=60.0, metavar="N", help="how slow slow is; default 60")
    parser.add_argument("--state", type=Path, metavar="DIR", help="where writes are kept; default by port and data")
    parser.add_argument("--reset", action="store_true", help="forget what was written, and make the made-up data anew")


def run(options: dict[str, Any], home: Path, say: Callable[[str], object]) -> None:
    """Serve until Ctrl-C or SIGTERM. Raises Refused for wrong options, data or a taken port.

    `home` is NIGHTWARD_HOME; `say` is given one line with the address and where the token came from.
    """
    with told_to_stop() as told:
        token, source = token_of(options["token"])
        hospital = _hospital(options, home, token)
        try:
            start(hospital)
            say(f"Hospital at {hospital.url}, token {source}. Ctrl-C stops it.")
            told.wait()
        finally:
            hospital.stop()


def _hospital(options: dict[str, Any], home: Path, token: str) -> Hospital:
    faults, port = _faults(options), options["port"]
    if not 0 <= port <= 65535:
        raise Refused("--port must be 0..65535")
    if options["latency_ms"] < 0:
        raise Refused("--latency-ms is a number of milliseconds from 0")
    folder = options["data"] or _made_up(home / "sandbox" / "hospital", options["reset"])
    if not folder.is_dir():
        raise Refused(f"{folder}: no such folder")
    try:
        return Hospital(
            folder,
            token=token,
            port=port,
            state=options["state"] or _state(home, folder, port),
            reset=options["reset"],
            latency_ms=options["latency_ms"],
            faults=faults,
        )
    except (FolderError, JournalError) as error:
        raise Refused(str(error)) from error


def _state(home: Path, folder: Path, port: int) -> Path | None:
    """Where writes to `folder` through `port` are kept; nowhere when the port is another one each time."""
    if port == 0:
        return None
    digest = sha256(str(folder.resolve()).encode()).hexdigest()[:8]
    return home / "sandbox" / "state" / f"hospital-{port}-{digest}"


def _faults(options: dict[str, Any]) -> Faults:
    faults = Faults(seed=options["seed"], slow_seconds=max(0.0, options["slow_seconds"]))
    for text in options["fail"]:
        try:
            faults.set_text(text)
        except ValueError as error:
            raise Refused(f"--fail {text}: {error}") from error
    return faults


def _made_up(folder: Path, anew: bool) -> Path:
    """`folder`, filled when it is missing. It is moved into place whole: an interrupted run leaves no half of it."""
    if folder.exists() and not anew:
        return folder
    draft = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        generate(draft, appointments=GENERATED, end=datetime.now(UTC).date())
        if folder.exists():
            shutil.rmtree(folder)
        draft.rename(folder)
    except OSError as error:
        raise Refused(f"{folder}: {error.strerror}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return folder
