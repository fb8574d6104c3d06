"""`sandbox smtp`: a mail server that keeps what it takes, served until it is told to stop."""

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from backoffice.sandbox.options import add_faults, add_port, add_token, faults_of, port_of
from backoffice.sandbox.serving import STOPS, start, token_of, until_told
from backoffice.sandbox.smtp.server import KINDS, MailServer

DEFAULT_PORT: Final = 8808


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sandbox smtp`."""
    add_port(parser, DEFAULT_PORT)
    add_token(parser, "for /control")
    parser.add_argument("--user", default="clinic", metavar="U", help="default clinic")
    parser.add_argument("--password", default="", metavar="P", help="without it nobody needs to log in")
    add_faults(parser, KINDS, seed=0, of="the faults")


@contextmanager
def served(options: dict[str, Any], home: Path, say: Callable[[str], object]) -> Iterator[None]:
    """Serve within the block. Raises Refused for wrong options or a taken port."""
    token, source = token_of(options["token"])
    server = MailServer(
        port=port_of(options),
        user=options["user"],
        password=options["password"],
        token=token,
        faults=faults_of(options, KINDS),
    )
    try:
        start(server)
        login = f"{server.user}:PASSWORD@" if server.password else ""
        say(f"Mail server, EMAIL_URL=smtp://{login}127.0.0.1:{server.port}")
        say(f"Token for {server.control_url} {source}. {STOPS}")
        yield
    finally:
        server.stop()


run = until_told(served)
