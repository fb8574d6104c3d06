"""`sandbox fhir`: one FHIR server, served until it is told to stop."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from backoffice.sandbox.fhir.faults import KINDS, fhir_faults
from backoffice.sandbox.fhir.patients import SYSTEM, generate
from backoffice.sandbox.fhir.server import FhirServer
from backoffice.sandbox.fhir.shape import Shape
from backoffice.sandbox.hospital.faults import Faults
from backoffice.sandbox.hospital.journal import Journal, JournalError
from backoffice.sandbox.refused import Refused
from backoffice.sandbox.serving import TOKEN_VARIABLE, start, token_of, told_to_stop

DEFAULT_PORT: Final = 8802
GENERATED: Final = 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sandbox fhir`."""
    parser.add_argument(
        "--port",
        type=int,
        default=DEFAULT_PORT,
        metavar="P",
        help=f"default {DEFAULT_PORT}; 0 lets the system choose, and keeps writes in memory only",
    )
    parser.add_argument("--token", metavar="T", help=f"bearer token; default {TOKEN_VARIABLE}, or one made and printed")
    parser.add_argument("--client", metavar="ID:SECRET", help="OAuth2 client credentials, taken beside the token")
    parser.add_argument(
        "--token-seconds", type=float, default=300.0, metavar="N", help="how long a client's token lasts"
    )
    parser.add_argument("--patients", type=int, default=GENERATED, metavar="N", help=f"default {GENERATED}")
    parser.add_argument("--system", default=SYSTEM, metavar="URI", help=f"of their identifiers; default {SYSTEM}")
    parser.add_argument("--no-batch", action="store_true", help="be a server that knows no batch")
    parser.add_argument("--latency-ms", type=float, default=0.0, metavar="N", help="added to every answer")
    parser.add_argument(
        "--fail",
        action="append",
        default=[],
        metavar="KIND=RATE",
        help=f"may be given again; rates such as 0.01 or 1%%; {', '.join(KINDS)}",
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the patients and faults; default 1")
    parser.add_argument("--slow-seconds", type=float, default=60.0, metavar="N", help="how slow slow is; default 60")
    parser.add_argument("--state", type=Path, metavar="DIR", help="where writes are kept; default by port and seed")
    parser.add_argument("--reset", action="store_true", help="forget what was written")


def run(options: dict[str, Any], home: Path, say: Callable[[str], object]) -> None:
    """Serve until Ctrl-C or SIGTERM. Raises Refused for wrong options or a taken port.

    `home` is NIGHTWARD_HOME; `say` is given one line with the address and where the token came from.
    """
    with told_to_stop() as told:
        token, source = token_of(options["token"])
        server = _server(options, home, token)
        try:
            start(server)
            say(f"FHIR server at {server.url}, token {source}, token server at {server.token_url}. Ctrl-C stops it.")
            told.wait()
        finally:
            server.close()


def _server(options: dict[str, Any], home: Path, token: str) -> FhirServer:
    port, count, seed, system = (options[name] for name in ("port", "patients", "seed", "system"))
    if not 0 <= port <= 65535:
        raise Refused("--port must be 0..65535")
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
            faults=_faults(options),
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


def _faults(options: dict[str, Any]) -> Faults:
    faults = fhir_faults(seed=options["seed"], slow_seconds=max(0.0, options["slow_seconds"]))
    for text in options["fail"]:
        try:
            faults.set_text(text)
        except ValueError as error:
            raise Refused(f"--fail {text}: {error}") from error
    return faults
