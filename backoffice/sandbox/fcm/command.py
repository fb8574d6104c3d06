"""`sandbox fcm`: push messages in Firebase's manner, served until it is told to stop."""

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from backoffice.sandbox.fcm.service import KINDS, Fcm
from backoffice.sandbox.options import add_faults, add_latency, add_port, add_token, faults_of, port_of
from backoffice.sandbox.peer import HttpPeer
from backoffice.sandbox.refused import Refused
from backoffice.sandbox.serving import STOPS, start, token_of, until_told

DEFAULT_PORT: Final = 8807


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sandbox fcm`."""
    add_port(parser, DEFAULT_PORT)
    parser.add_argument("--key-file", type=Path, metavar="FILE", help="where to write the service account's key file")
    add_token(parser, "for /control")
    add_latency(parser)
    add_faults(parser, KINDS, seed=0, of="the faults")


@contextmanager
def served(options: dict[str, Any], home: Path, say: Callable[[str], object]) -> Iterator[None]:
    """Serve within the block. Raises Refused for wrong options or a taken port."""
    token, source = token_of(options["token"])
    vendor = Fcm(faults=faults_of(options, KINDS))
    vendor.latency_ms = max(0.0, options["latency_ms"])
    peer = HttpPeer(vendor, port=port_of(options), token=token)
    path = options["key_file"] or home / "sandbox" / "fcm" / "service-account.json"
    try:
        start(peer)
        try:
            vendor.make_key_file(path, peer.url)
        except OSError as error:
            raise Refused(f"{path}: {error.strerror}") from error
        say(f"FCM at {peer.url}, key file {path}.")
        say(f"Token for {peer.control_url} {source}. {STOPS}")
        yield
    finally:
        peer.stop()


run = until_told(served)
