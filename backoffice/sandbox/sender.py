"""What the commands of those do alike who send events to Nightward: where to, signed by what, and what was answered."""

import argparse
import os
from collections.abc import Callable, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from backoffice.sandbox.cloudevents import Event, NotDelivered, deliver, key_of, new_secret
from backoffice.sandbox.refused import Failed, Refused

URL: Final = "http://127.0.0.1:8000"
PROBLEM: Final = 500  # characters of an answer that are shown


def add_arguments(parser: argparse.ArgumentParser, channel: str, events: Sequence[str]) -> None:
    """What happened, to which appointment, and where it is told."""
    parser.add_argument("event", choices=events, metavar="EVENT", help=", ".join(events))
    parser.add_argument("--appointment", required=True, metavar="ID", help="whose it is")
    parser.add_argument("--order", metavar="ID", help="default made of the appointment")
    parser.add_argument("--region", metavar="R", help="whose event it is; needed but for MLLP")
    parser.add_argument("--url", default=URL, metavar="URL", help=f"where Nightward is served; default {URL}")
    parser.add_argument(
        "--secret", metavar="S", help=f"of {channel.upper()}_WEBHOOK_SECRET; default {variable_of(channel)}"
    )
    parser.add_argument("--id", metavar="ID", help="of the event; the same one again is a redelivery")
    parser.add_argument("--times", type=int, default=1, metavar="N", help="deliver it N times")


def variable_of(channel: str) -> str:
    """The environment variable with the secret."""
    return f"NIGHTWARD_SANDBOX_{channel.upper()}_SECRET"


def send(channel: str, options: dict[str, Any], event: Event, say: Callable[[str], object]) -> None:
    """Deliver `event`; a line for each answer. Raises Refused, and Failed where one of them was no success."""
    if not options["region"]:
        raise Refused("--region is missing")
    if options["times"] < 1:
        raise Refused("--times is a number from 1")
    key = _key(channel, options["secret"])
    base, query = options["url"].rstrip("/"), urlencode({"region": options["region"]})
    try:
        answers = deliver(event, f"{base}/api/v1/events/{channel}?{query}", key, times=options["times"])
    except NotDelivered as error:
        raise Failed(f"{options['url']}: {error}") from error
    for status, body in answers:
        say(f"{event.type} {event.subject}, id {event.id}: HTTP {status}")
        if not 200 <= status < 300:
            raise Failed(f"HTTP {status}: {body[:PROBLEM]}")


def _key(channel: str, given: str | None) -> bytes:
    secret = given or os.environ.get(variable_of(channel), "")
    if not secret:
        raise Refused(f"no secret: give --secret or {variable_of(channel)}; a new one would be {new_secret()}")
    try:
        return key_of(secret)
    except ValueError as error:
        raise Refused(f"the secret is {error}") from error
