"""`sandbox hospital`: one hospital, served until it is told to stop."""

import argparse
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from backoffice.sandbox.hospital.billing import write_billing
from backoffice.sandbox.hospital.faults import KINDS
from backoffice.sandbox.hospital.folder import FolderError
from backoffice.sandbox.hospital.generate import generate
from backoffice.sandbox.hospital.journal import JournalError
from backoffice.sandbox.hospital.server import Hospital
from backoffice.sandbox.options import add_faults, add_latency, add_port, add_token, faults_of, port_of
from backoffice.sandbox.refused import Refused
from backoffice.sandbox.serving import STOPS, start, token_of, until_told

DEFAULT_PORT: Final = 8801
GENERATED: Final = 2000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sandbox hospital`."""
    parser.add_argument("--data", type=Path, metavar="DIR", help="CSV folder; without it a small hospital is made up")
    add_port(parser, DEFAULT_PORT, chosen=", and keeps writes in memory only")
    add_token(parser, "bearer token")
    add_latency(parser)
    add_faults(parser, [*KINDS, "block:CODE=BLOCK_REJECTED"], seed=0, of="faults and billing data, which so repeat")
    parser.add_argument("--state", type=Path, metavar="DIR", help="where writes are kept; default by port and data")
    parser.add_argument(
        "--billing",
        type=Path,
        metavar="DIR",
        help="serve nothing: write what load_billing needs of this hospital there, and load_claims into DIR/payer",
    )
    parser.add_argument(
        "--filing-days", type=int, metavar="N", help="with --billing: of every payer, as for a hospital of long ago"
    )
    parser.add_argument("--reset", action="store_true", help="forget what was written, and make the made-up data anew")


@contextmanager
def served(options: dict[str, Any], home: Path, say: Callable[[str], object]) -> Iterator[None]:
    """Serve within the block. Raises Refused for wrong options, data or a taken port.

    `home` is NIGHTWARD_HOME; `say` is given one line with the address and where the token came from.
    """
    token, source = token_of(options["token"])
    hospital = _hospital(options, home, token)
    try:
        start(hospital)
        say(f"Hospital at {hospital.url}, token {source}. {STOPS}")
        yield
    finally:
        hospital.stop()


def run(options: dict[str, Any], home: Path, say: Callable[[str], object]) -> None:
    """Serve until Ctrl-C or SIGTERM, or with --billing serve nothing. Raises Refused."""
    if options["billing"]:
        _write_billing(options, home)
    else:
        until_told(served)(options, home, say)


def _hospital(options: dict[str, Any], home: Path, token: str) -> Hospital:
    faults, port = faults_of(options, KINDS), port_of(options)
    if options["latency_ms"] < 0:
        raise Refused("--latency-ms is a number of milliseconds from 0")
    folder = _folder(options, home)
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


def _folder(options: dict[str, Any], home: Path) -> Path:
    """The hospital's, made up where none is given."""
    folder: Path = options["data"] or _made_up(home / "sandbox" / "hospital", options["reset"])
    if not folder.is_dir():
        raise Refused(f"{folder}: no such folder")
    return folder


def _write_billing(options: dict[str, Any], home: Path) -> None:
    days = options["filing_days"]
    if days is not None and not 1 <= days <= 36_600:
        raise Refused("--filing-days is a whole number from 1 to 36600")
    try:
        write_billing(_folder(options, home), options["billing"], seed=options["seed"], filing_days=days)
    except FolderError as error:
        raise Refused(str(error)) from error
    except OSError as error:
        raise Refused(f"{options['billing']}: {error.strerror}") from error


def _state(home: Path, folder: Path, port: int) -> Path | None:
    """Where writes to `folder` through `port` are kept; nowhere when the port is another one each time."""
    if port == 0:
        return None
    digest = sha256(str(folder.resolve()).encode()).hexdigest()[:8]
    return home / "sandbox" / "state" / f"hospital-{port}-{digest}"


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
