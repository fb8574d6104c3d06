"""`sandbox all`: every peer that serves, by one command, until it is told to stop."""

import argparse
import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

from backoffice.sandbox.clearinghouse import command as clearinghouse
from backoffice.sandbox.fcm import command as fcm
from backoffice.sandbox.fhir import command as fhir
from backoffice.sandbox.hospital import command as hospital
from backoffice.sandbox.pverify import command as pverify
from backoffice.sandbox.serving import STOPS, Say, until_told
from backoffice.sandbox.sheets import command as sheets
from backoffice.sandbox.smtp import command as smtp
from backoffice.sandbox.twilio import command as twilio


class Command(Protocol):
    """The module of a subcommand."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...
    def run(self, options: dict[str, Any], home: Path, say: Say) -> None: ...


class Served(Command, Protocol):
    """One of a peer that serves."""

    def served(self, options: dict[str, Any], home: Path, say: Say) -> AbstractContextManager[None]: ...


PEERS: Final[dict[str, Served]] = {
    "hospital": hospital,
    "fhir": fhir,
    "sheets": sheets,
    "clearinghouse": clearinghouse,
    "twilio": twilio,
    "pverify": pverify,
    "fcm": fcm,
    "smtp": smtp,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sandbox all`."""
    parser.add_argument("--token", metavar="T", help="of all of them, and the password; default one made and printed")
    parser.add_argument("--free-ports", action="store_true", help="let the system choose ports, not the usual ones")
    parser.add_argument("--webhook", default="", metavar="URL", help="where Twilio tells what people write")


@contextmanager
def served(options: dict[str, Any], home: Path, say: Say) -> Iterator[None]:
    """Serve within the block. `say` is given each peer's lines. Raises Refused, with none left serving."""
    token = options["token"] or secrets.token_urlsafe(18)
    with ExitStack() as serving:
        if not options["token"]:
            say(f"Token, secret and password of all: {token}")
        for name, peer in PEERS.items():
            given = ["--token", token, *(["--port", "0"] if options["free_ports"] else [])]
            given += {"clearinghouse": ["--password", token], "twilio": ["--webhook", options["webhook"]]}.get(name, [])
            serving.enter_context(peer.served(_options(peer, given), home, lambda line: say(_bare(line))))
        say("All of them serve. Ctrl-C stops them.")
        yield


run = until_told(served)


def _options(peer: Served, given: list[str]) -> dict[str, Any]:
    """The peer's options as its own command would have them."""
    parser = argparse.ArgumentParser()
    peer.add_arguments(parser)
    return vars(parser.parse_args(given))


def _bare(line: str) -> str:
    return line.removesuffix(f" {STOPS}")
