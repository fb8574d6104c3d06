"""What Twilio refuses, in its words and codes.

Sources: Twilio's "Error and Warning Dictionary" (twilio.com/docs/api/errors/CODE), "Messages resource" and "Test
Credentials", whose magic numbers are refused here as they are there.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

LONGEST_BODY: Final = 1600
E164: Final = re.compile(r"\+(1[2-9]\d{9}|[2-9]\d{6,14})")
MAGIC_TO: Final = {
    "+15005550001": 21211,
    "+15005550002": 21612,
    "+15005550003": 21408,
    "+15005550004": 21610,
    "+15005550009": 21614,
}
MAGIC_FROM: Final = {"+15005550001": 21212, "+15005550007": 21606, "+15005550008": 21611}
TEXTS: Final = {
    20003: "Authenticate",
    20004: "Method not allowed",
    20404: "The requested resource {value} was not found",
    20429: "Too Many Requests",
    20500: "An internal server error has occurred",
    20503: "Service unavailable",
    21211: "The 'To' number {value} is not a valid phone number.",
    21212: "The 'From' number {value} is not a valid phone number, shortcode, or alphanumeric sender ID.",
    21408: "Permission to send an SMS has not been enabled for the region indicated by the 'To' number: {value}.",
    21602: "Message body is required.",
    21603: "A 'From' phone number is required.",
    21604: "A 'To' phone number is required.",
    21606: "The 'From' phone number provided ({value}) is not a valid message-capable Twilio phone number.",
    21609: "The 'StatusCallback' URL {value} is not a valid URL.",
    21610: "Attempt to send to unsubscribed recipient",
    21611: "This 'From' number has exceeded the maximum number of queued messages",
    21612: "Message cannot be sent with the current combination of 'To' and/or 'From' parameters",
    21614: "'To' number: {value}, is not a valid mobile number",
    21617: "The concatenated message body exceeds the 1600 character limit.",
    21705: "The Messaging Service Sid {value} is invalid.",
}


class Refusal(Exception):
    """The request is answered with this error; `value` is what it is about."""

    def __init__(self, code: int, value: str = "", *, status: int = 400) -> None:
        super().__init__(str(code))
        self.status, self.code = status, code
        self.body: dict[str, Any] = {
            "code": code,
            "message": TEXTS[code].format(value=value),
            "more_info": f"https://www.twilio.com/docs/errors/{code}",
            "status": status,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """A message that was asked for, found right."""

    to: str
    sender: str
    service: str
    body: str
    callback: str


def wanted_of(form: Mapping[str, str], senders: set[str], services: Mapping[str, str]) -> Wanted:
    """The message of a form. `services`: each messaging service with the number it sends from. Raises Refusal."""
    to, sender, service = form.get("To", ""), form.get("From", ""), form.get("MessagingServiceSid", "")
    if not to:
        raise Refusal(21604)
    if not (sender or service):
        raise Refusal(21603)
    if not sender and service not in services:
        raise Refusal(21705, service)
    _check_text(form)
    if not E164.fullmatch(to):
        raise Refusal(21211, to)
    if to in MAGIC_TO:
        raise Refusal(MAGIC_TO[to], to)
    if sender and sender not in senders:
        raise Refusal(MAGIC_FROM.get(sender, 21606), sender)
    return Wanted(
        to=to,
        sender=sender or services[service],
        service=service,
        body=form["Body"],
        callback=form.get("StatusCallback", ""),
    )


def _check_text(form: Mapping[str, str]) -> None:
    if not form.get("Body"):
        raise Refusal(21602)
    if len(form["Body"]) > LONGEST_BODY:
        raise Refusal(21617)
    callback = form.get("StatusCallback", "")
    if callback and not (urlsplit(callback).scheme in ("http", "https") and urlsplit(callback).hostname):
        raise Refusal(21609, callback)
