"""`sandbox pverify`: one account that asks payers about coverage, served until it is told to stop."""

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from backoffice.sandbox.options import add_faults, add_latency, add_port, add_token, faults_of, port_of
from backoffice.sandbox.peer import HttpPeer
from backoffice.sandbox.pverify.service import KINDS, PVerify
from backoffice.sandbox.refused import Refused
from backoffice.sandbox.serving import STOPS, start, token_of, until_told

DEFAULT_PORT: Final = 8806


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sandbox pverify`."""
    add_port(parser, DEFAULT_PORT)
    add_token(parser, "Client-Secret, and for /control")
    parser.add_argument("--client", default="sandbox", metavar="ID", help="Client-API-Id; default sandbox")
    parser.add_argument("--funds", type=int, metavar="N", help="inquiries that the account can pay; default all")
    parser.add_argument(
        "--pending-polls", type=int, default=2, metavar="N", help="polls that find a pending inquiry pending; default 2"
    )
    add_latency(parser)
    add_faults(parser, KINDS, seed=0, of="the faults")


@contextmanager
def served(options: dict[str, Any], home: Path, say: Callable[[str], object]) -> Iterator[None]:
    """Serve within the block. Raises Refused for wrong options or a taken port."""
    token, source = token_of(options["token"])
    if options["pending_polls"] < 0 or (options["funds"] is not None and options["funds"] < 0):
        raise Refused("--funds and --pending-polls are numbers from 0")
    vendor = PVerify(client=options["client"], secret=token, faults=faults_of(options, KINDS))
    vendor.funds, vendor.pending_polls = options["funds"], options["pending_polls"]
    vendor.latency_ms = max(0.0, options["latency_ms"])
    peer = HttpPeer(vendor, port=port_of(options), token=token)
    try:
        start(peer)
        say(f"pVerify at {peer.url}, Client-API-Id {vendor.client}, Client-Secret {source}. {STOPS}")
        yield
    finally:
        peer.stop()


run = until_told(served)
