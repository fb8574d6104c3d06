"""`sandbox twilio`: one account that sends messages, served until it is told to stop."""

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from backoffice.sandbox.options import add_faults, add_latency, add_port, add_token, faults_of, port_of
from backoffice.sandbox.peer import COMMON_KINDS, HttpPeer
from backoffice.sandbox.refused import Refused
from backoffice.sandbox.serving import STOPS, start, token_of, until_told
from backoffice.sandbox.twilio.account import FROM, SERVICE, Twilio

DEFAULT_PORT: Final = 8805


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sandbox twilio`."""
    add_port(parser, DEFAULT_PORT)
    add_token(parser, "the account's auth token, and for /control")
    parser.add_argument("--webhook", default="", metavar="URL", help="where what people write is told")
    parser.add_argument("--delay", type=float, default=0.5, metavar="N", help="seconds until a message is sent")
    parser.add_argument(
        "--quiet-zone", default="", metavar="ZONE", help="messages from 21:00 to 8:00 there fail: 30610"
    )
    add_latency(parser)
    add_faults(parser, COMMON_KINDS, seed=0, of="the faults")


@contextmanager
def served(options: dict[str, Any], home: Path, say: Callable[[str], object]) -> Iterator[None]:
    """Serve within the block. Raises Refused for wrong options or a taken port."""
    token, source = token_of(options["token"])
    if options["quiet_zone"]:
        try:
            ZoneInfo(options["quiet_zone"])
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise Refused(f"--quiet-zone {options['quiet_zone']}: no such time zone") from error
    vendor = Twilio(
        token=token, webhook=options["webhook"], delay=max(0.0, options["delay"]), quiet_zone=options["quiet_zone"],
        faults=faults_of(options, COMMON_KINDS),
    )  # fmt: skip
    vendor.latency_ms = max(0.0, options["latency_ms"])
    peer = HttpPeer(vendor, port=port_of(options), token=token)
    try:
        start(peer)
        say(f"Twilio at {peer.url}, account {vendor.sid}, service {SERVICE}, from {FROM}, token {source}. {STOPS}")
        yield
    finally:
        peer.stop()


run = until_told(served)
