"""`sandbox sheets`: one spreadsheet in Google's manner, served until it is told to stop."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from backoffice.sandbox.hospital.faults import Faults
from backoffice.sandbox.refused import Refused
from backoffice.sandbox.serving import TOKEN_VARIABLE, start, token_of, told_to_stop
from backoffice.sandbox.sheets.book import Book, FolderError
from backoffice.sandbox.sheets.faults import KINDS, sheets_faults
from backoffice.sandbox.sheets.generate import generate
from backoffice.sandbox.sheets.quota import Quota
from backoffice.sandbox.sheets.server import SheetsServer

DEFAULT_PORT: Final = 8803
GENERATED: Final = 1000
SHEET: Final = "Sheet1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sandbox sheets`."""
    parser.add_argument("--data", type=Path, metavar="DIR", help="CSV files, a sheet each, written back to")
    parser.add_argument("--rows", type=int, default=GENERATED, metavar="N", help=f"made up; default {GENERATED}")
    parser.add_argument(
        "--port", type=int, default=DEFAULT_PORT, metavar="P", help=f"default {DEFAULT_PORT}; 0 lets the system choose"
    )
    parser.add_argument("--key-file", type=Path, metavar="FILE", help="where to write the service account's key file")
    parser.add_argument("--token", metavar="T", help=f"for /control; default {TOKEN_VARIABLE}, or one made and printed")
    parser.add_argument("--quota", type=int, default=60, metavar="N", help="reads, and writes, a minute; 0: no limit")
    parser.add_argument("--latency-ms", type=float, default=0.0, metavar="N", help="added to every answer")
    parser.add_argument(
        "--fail",
        action="append",
        default=[],
        metavar="KIND=RATE",
        help=f"may be given again; rates such as 0.01 or 1%%; {', '.join(KINDS)}",
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the rows and faults; default 1")
    parser.add_argument("--slow-seconds", type=float, default=60.0, metavar="N", help="how slow slow is; default 60")


def run(options: dict[str, Any], home: Path, say: Callable[[str], object]) -> None:
    """Serve until Ctrl-C or SIGTERM. Raises Refused for wrong options, data or a taken port.

    `home` is NIGHTWARD_HOME; `say` is given one line with the address, the key file and where the token came from.
    """
    with told_to_stop() as told:
        token, source = token_of(options["token"])
        server = _server(options, token)
        try:
            start(server)
            key_file = _key_file(server, options["key_file"] or home / "sandbox" / "sheets" / "service-account.json")
            say(f"Sheets at {server.url}, spreadsheet {server.spreadsheet}, key file {key_file}.")
            say(f"Token for {server.control_url} {source}. Ctrl-C stops it.")
            told.wait()
        finally:
            server.stop()


def _server(options: dict[str, Any], token: str) -> SheetsServer:
    if not 0 <= options["port"] <= 65535:
        raise Refused("--port must be 0..65535")
    if min(options["rows"], options["quota"], options["latency_ms"]) < 0:
        raise Refused("--rows, --quota and --latency-ms are numbers from 0")
    try:
        if options["data"]:
            book = Book.of_folder(options["data"])
        else:
            book = Book({SHEET: list(generate(options["rows"], seed=options["seed"]))})
    except FolderError as error:
        raise Refused(str(error)) from error
    return SheetsServer(
        book,
        token=token,
        port=options["port"],
        quota=Quota(options["quota"]),
        faults=_faults(options),
        latency_ms=options["latency_ms"],
    )


def _key_file(server: SheetsServer, path: Path) -> Path:
    try:
        return server.make_key_file(path)
    except OSError as error:
        raise Refused(f"{path}: {error.strerror}") from error


def _faults(options: dict[str, Any]) -> Faults:
    faults = sheets_faults(seed=options["seed"], slow_seconds=max(0.0, options["slow_seconds"]))
    for text in options["fail"]:
        try:
            faults.set_text(text)
        except ValueError as error:
            raise Refused(f"--fail {text}: {error}") from error
    return faults
