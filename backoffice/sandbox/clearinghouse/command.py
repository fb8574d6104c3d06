"""`sandbox clearinghouse`: an SFTP mailbox whose claims are answered, served until it is told to stop."""

import argparse
import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from backoffice.sandbox.clearinghouse.desk import STAGES
from backoffice.sandbox.clearinghouse.faults import KINDS
from backoffice.sandbox.clearinghouse.server import Account, ClearinghouseServer
from backoffice.sandbox.options import add_faults, add_port, add_token, faults_of, port_of
from backoffice.sandbox.refused import Refused
from backoffice.sandbox.serving import STOPS, start, token_of, until_told

DEFAULT_PORT: Final = 8804


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sandbox clearinghouse`."""
    add_port(parser, DEFAULT_PORT)
    parser.add_argument("--folder", type=Path, metavar="DIR", help="mailbox, host key and what was taken; kept")
    parser.add_argument("--user", default="clinic", metavar="U", help="default clinic")
    parser.add_argument("--password", metavar="P", help="default: one made and printed")
    add_token(parser, "for /control")
    parser.add_argument("--pay", action="store_true", help="answer with an 835 as well")
    parser.add_argument("--zip", action="store_true", help="with --pay: the 835 in a ZIP")
    parser.add_argument(
        "--reject",
        action="append",
        default=[],
        metavar="STAGE=CLM01",
        help=f"may be given again; stages: {', '.join(STAGES)}",
    )
    add_faults(parser, KINDS, "--fault", seed=0, of="the faults, so that a run repeats")
    parser.add_argument("--after-bytes", type=int, default=1000, metavar="N", help="when a transfer goes wrong")


@contextmanager
def served(options: dict[str, Any], home: Path, say: Callable[[str], object]) -> Iterator[None]:
    """Serve within the block. Raises Refused for wrong options or a taken port.

    `home` is NIGHTWARD_HOME; `say` is given the address, the known_hosts line and what a region's file says of it.
    """
    token, source = token_of(options["token"])
    password = options["password"] or secrets.token_urlsafe(18)
    server = _server(options, home, password, token)
    try:
        start(server)
        shown = "from --password" if options["password"] else password
        say(f"Clearinghouse at 127.0.0.1:{server.port}, user {server.account.user}, password {shown}.")
        say(f"Mailbox in {server.desk.home}. For known_hosts:")
        say(server.known_hosts)
        say("For a region's file:")
        say(json.dumps(server.region_file(), indent=2))
        say(f"Token for {server.control_url} {source}. {STOPS}")
        yield
    finally:
        server.stop()


run = until_told(served)


def _server(options: dict[str, Any], home: Path, password: str, token: str) -> ClearinghouseServer:
    port = port_of(options)
    if options["after_bytes"] < 0:
        raise Refused("--after-bytes is a number from 0")
    folder = options["folder"] or home / "sandbox" / "clearinghouse"
    try:
        server = ClearinghouseServer(
            folder,
            account=Account(user=options["user"], password=password),
            token=token,
            port=port,
            pay=options["pay"],
            faults=faults_of(options, KINDS),
        )
    except OSError as error:
        raise Refused(f"{folder}: {error.strerror}") from error
    server.after_bytes = options["after_bytes"]
    server.desk.summary, server.desk.zip = True, options["zip"]
    for text in options["reject"]:
        stage, equals, account = text.partition("=")
        if not equals or stage not in STAGES:
            raise Refused(f"--reject {text}: is not STAGE=CLM01; stages are {', '.join(STAGES)}")
        server.desk.rejects[stage].add(account)
    return server
