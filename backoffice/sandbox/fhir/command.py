"""`sandbox fhir`: one FHIR server, served until it is told to stop."""

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from backoffice.sandbox.fhir.faults import KINDS
from backoffice.sandbox.fhir.patients import SYSTEM, generate
from backoffice.sandbox.fhir.server import FhirServer
from backoffice.sandbox.fhir.shape import Shape
from backoffice.sandbox.hospital.journal import Journal, JournalError
from backoffice.sandbox.options import add_faults, add_latency, add_port, add_token, faults_of, port_of
from backoffice.sandbox.refused import Refused
from backoffice.sandbox.serving import STOPS, start, token_of, until_told

DEFAULT_PORT: Final = 8802
GENERATED: Final = 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sandbox fhir`."""
    add_port(parser, DEFAULT_PORT, chosen=", and keeps writes in memory only")
    add_token(parser, "bearer token")
    parser.add_argument("--client", metavar="ID:SECRET", help="OAuth2 client credentials, taken beside the token")
    parser.add_argument(
        "--token-seconds", type=float, default=300.0, metavar="N", help="how long a client's token lasts"
    )
    parser.add_argument("--patients", type=int, default=GENERATED, metavar="N", help=f"default {GENERATED}")
    parser.add_argument("--system", default=SYSTEM, metavar="URI", help=f"of their identifiers; default {SYSTEM}")
    parser.add_argument("--no-batch", action="store_true", help="be a server that knows no batch")
    add_latency(parser)
    add_faults(parser, KINDS, seed=1, of="the patients and faults; default 1")
    parser.add_argument("--state", type=Path, metavar="DIR", help="where writes are kept; default by port and seed")
    parser.add_argument("--reset", action="store_true", help="forget what was written")


@contextmanager
def served(options: dict[str, Any], home: Path, say: Callable[[str], object]) -> Iterator[None]:
    """Serve within the block. Raises Refused for wrong options or a taken port.

    `home` is NIGHTWARD_HOME; `say` is given one line with the address and where the token came from.
    """
    token, source = token_of(options["token"])
    server = _server(options, home, token)
    try:
        start(server)
        say(f"FHIR server at {server.url}, token {source}, token server at {server.token_url}. {STOPS}")
        yield
    finally:
        server.close()


run = until_told(served)


def _server(options: dict[str, Any], home: Path, token: str) -> FhirServer:
    port = port_of(options)
    count, seed, system = (options[name] for name in ("patients", "seed", "system"))
    if count < 1 or options["latency_ms"] < 0 or options["token_seconds"] <= 0:
        raise Refused("--patients and --token-seconds are numbers above 0, --latency-ms one from 0")
    default = home / "sandbox" / "state" / f"fhir-{port}-{seed}" if port else None
    try:
        server = FhirServer(
            generate(count, seed=seed, system=system),
            token=token,
            clients=_client(options["client"]),
            port=port,
            journal=Journal(
                options["state"] or default,
                f"{count} patients of seed {seed} in {system}",
                reset=options["reset"],
                peer="fhir",
            ),
            shape=Shape(batch=not options["no_batch"], token_seconds=options["token_seconds"]),
            faults=faults_of(options, KINDS),
        )
    except JournalError as error:
        raise Refused(str(error)) from error
    server.latency_ms = options["latency_ms"]
    return server


def _client(text: str | None) -> dict[str, str]:
    name, colon, secret = (text or "").partition(":")
    if text and not (name and colon and secret):
        raise Refused("--client is ID:SECRET")
    return {name: secret} if text else {}
