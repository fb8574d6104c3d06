"""Options that the commands of several peers take, and what they say."""

import argparse
from collections.abc import Sequence
from typing import Any

from backoffice.sandbox.faults import Faults
from backoffice.sandbox.refused import Refused
from backoffice.sandbox.serving import TOKEN_VARIABLE


def add_port(parser: argparse.ArgumentParser, default: int, *, chosen: str = "") -> None:
    """--port; `chosen` says what else it means that the system chooses."""
    parser.add_argument(
        "--port",
        type=int,
        default=default,
        metavar="P",
        help=f"default {default}; 0 lets the system choose{chosen}",
    )


def add_token(parser: argparse.ArgumentParser, what: str) -> None:
    """--token; `what` it is."""
    parser.add_argument("--token", metavar="T", help=f"{what}; default {TOKEN_VARIABLE}, or one made and printed")


def add_latency(parser: argparse.ArgumentParser) -> None:
    """--latency-ms."""
    parser.add_argument("--latency-ms", type=float, default=0.0, metavar="N", help="added to every answer")


def add_faults(parser: argparse.ArgumentParser, kinds: Sequence[str], *flags: str, seed: int, of: str) -> None:
    """--fail and its other `flags`, --seed (by default `seed`) of what it is a seed `of`, and --slow-seconds."""
    parser.add_argument(
        "--fail",
        *flags,
        action="append",
        default=[],
        metavar="KIND=RATE",
        help=f"may be given again; rates such as 0.01 or 1%%; {', '.join(kinds)}",
    )
    parser.add_argument("--seed", type=int, default=seed, metavar="N", help=f"of {of}")
    parser.add_argument("--slow-seconds", type=float, default=60.0, metavar="N", help="how slow slow is; default 60")


def port_of(options: dict[str, Any]) -> int:
    """The port, 0 included. Raises Refused."""
    port: int = options["port"]
    if not 0 <= port <= 65535:
        raise Refused("--port must be 0..65535")
    return port


def faults_of(options: dict[str, Any], kinds: Sequence[str]) -> Faults:
    """Those of `kinds` that were asked for. Raises Refused."""
    faults = Faults(kinds, seed=options["seed"], slow_seconds=max(0.0, options["slow_seconds"]))
    for text in options["fail"]:
        try:
            faults.set_text(text)
        except ValueError as error:
            raise Refused(f"--fail {text}: {error}") from error
    return faults
