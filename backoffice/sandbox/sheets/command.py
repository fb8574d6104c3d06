"""`sandbox sheets`: one spreadsheet in Google's manner, served until it is told to stop."""

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from backoffice.sandbox.options import add_faults, add_latency, add_port, add_token, faults_of, port_of
from backoffice.sandbox.refused import Refused
from backoffice.sandbox.serving import STOPS, start, token_of, until_told
from backoffice.sandbox.sheets.book import Book, FolderError
from backoffice.sandbox.sheets.faults import KINDS
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
    add_port(parser, DEFAULT_PORT)
    parser.add_argument("--key-file", type=Path, metavar="FILE", help="where to write the service account's key file")
    add_token(parser, "for /control")
    parser.add_argument("--quota", type=int, default=60, metavar="N", help="reads, and writes, a minute; 0: no limit")
    add_latency(parser)
    add_faults(parser, KINDS, seed=1, of="the rows and faults; default 1")


@contextmanager
def served(options: dict[str, Any], home: Path, say: Callable[[str], object]) -> Iterator[None]:
    """Serve within the block. Raises Refused for wrong options, data or a taken port.

    `home` is NIGHTWARD_HOME; `say` is given one line with the address, the key file and where the token came from.
    """
    token, source = token_of(options["token"])
    server = _server(options, token)
    try:
        start(server)
        key_file = _key_file(server, options["key_file"] or home / "sandbox" / "sheets" / "service-account.json")
        say(f"Sheets at {server.url}, spreadsheet {server.spreadsheet}, key file {key_file}.")
        say(f"Token for {server.control_url} {source}. {STOPS}")
        yield
    finally:
        server.stop()


run = until_told(served)


def _server(options: dict[str, Any], token: str) -> SheetsServer:
    port = port_of(options)
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
        port=port,
        quota=Quota(options["quota"]),
        faults=faults_of(options, KINDS),
        latency_ms=options["latency_ms"],
    )


def _key_file(server: SheetsServer, path: Path) -> Path:
    try:
        return server.make_key_file(path)
    except OSError as error:
        raise Refused(f"{path}: {error.strerror}") from error
