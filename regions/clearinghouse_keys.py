"""What a region can be told of its clearinghouse: the keys of `clearinghouse`, their usual values and limits.

The usual values are Office Ally's as far as they are public (docs/decisions/0063-sftp.md); every one is a setting.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

Problem = str | None

HOST: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|[0-9a-fA-F:]+")
FOLDER: Final = re.compile(r"/?[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*")
PLAIN: Final = re.compile(r"""[A-Z0-9!"&'()+,./;?=-]+( [A-Z0-9!"&'()+,./;?=-]+)*""")
QUALIFIER: Final = re.compile(r"[0-9A-Z]{2}")
NAMED: Final = re.compile(r"(?!\s)[^\n\r]*[A-Za-z0-9][^\n\r]*(?<!\s)")
PHONE: Final = re.compile(r"[2-9][0-9]{9}")
REASON: Final = re.compile(r"[A-Z]{0,2}[0-9]{1,4}")
LINE_BREAKS: Final = {"none": "", "lf": "\n", "crlf": "\r\n"}

# What has a value of its own in each region; the others are as USUAL says, or follow `sender`.
REQUIRED: Final = ("user", "known_hosts", "sender", "submitter", "contact", "phone")
AS_SENDER: Final = ("group_sender", "submitter_id")
USUAL: Final[dict[str, Any]] = {
    "host": "ftp10.officeally.com",
    "port": 22,
    "inbound": "inbound",
    "outbound": "outbound",
    "upload_mode": "direct",
    "timeout": 30,
    "max_megabytes": 256,
    "receiver": "330897513",
    "sender_qualifier": "ZZ",
    "receiver_qualifier": "ZZ",
    "group_receiver": "OA",
    "receiver_name": "OFFICE ALLY",
    "receiver_id": "330897513",
    "acknowledge": True,
    "test": True,  # until somebody says that claims are to be forwarded to payers
    "claims_per_set": 5000,
    "line_break": "lf",
    "hours_to_upload": 1,
    "hours_to_999": 2,
    "hours_to_277ca": 24,
    "days_to_835": 30,
}


def clearinghouse_problems(options: dict[str, Any]) -> list[tuple[str, str]]:
    """(key, problem) of each that cannot be used. None is required here: a job names what it lacks when it starts."""
    problems = [(key, "is not known; known are " + ", ".join(_CHECKS)) for key in options if key not in _CHECKS]
    for key, check in _CHECKS.items():
        if key in options and (problem := check(options[key])):
            problems.append((key, problem))
    return problems


def address_of(options: Mapping[str, Any]) -> str:
    """Where the login goes."""
    return f"sftp://{options.get('host', USUAL['host'])}:{options.get('port', USUAL['port'])}"


def _text(pattern: re.Pattern[str], least: int, most: int, says: str) -> Callable[[Any], Problem]:
    def check(value: Any) -> Problem:
        fits = isinstance(value, str) and least <= len(value) <= most and pattern.fullmatch(value)
        return None if fits else f"must be {says}"

    return check


def _number(least: int, most: int) -> Callable[[Any], Problem]:
    says = f"must be a whole number from {least} to {most}"
    return lambda value: None if type(value) is int and least <= value <= most else says


def _choice(*choices: str) -> Callable[[Any], Problem]:
    return lambda value: None if value in choices else "must be one of: " + ", ".join(choices)


def _yes_or_no(value: Any) -> Problem:
    return None if isinstance(value, bool) else "must be true or false"


def _known_hosts(value: Any) -> Problem:
    """Whether its keys can be read is seen when it is connected to."""
    lines = value.splitlines() if isinstance(value, str) else []
    if any(len(line.split()) >= 3 for line in lines) and len(value) <= 20_000:
        return None
    return "must be lines as ssh-keyscan prints them: host, kind and key"


def _reasons(value: Any) -> Problem:
    if isinstance(value, list) and all(isinstance(one, str) and REASON.fullmatch(one) for one in value):
        return None
    return 'must be a list of adjustment reasons, such as ["45", "253"]'


def _id(least: int, most: int) -> Callable[[Any], Problem]:
    says = f"{least} to {most} capital letters, digits and plain signs"
    return _text(PLAIN, least, most, says)


_NAME: Final = _text(NAMED, 1, 60, "a name of 1 to 60 characters, with Latin letters")
_FOLDER: Final = _text(FOLDER, 1, 200, "a folder's path of letters, digits and _ . - /")
_QUALIFIER: Final = _text(QUALIFIER, 2, 2, "two characters, such as ZZ")

_CHECKS: Final[dict[str, Callable[[Any], Problem]]] = {
    "host": _text(HOST, 1, 253, "a host's name or address"),
    "port": _number(1, 65535),
    "user": _text(re.compile(r"\S+"), 1, 100, "a name without blanks"),
    "known_hosts": _known_hosts,
    "inbound": _FOLDER,
    "outbound": _FOLDER,
    "upload_mode": _choice("direct", "rename"),
    "timeout": _number(1, 600),
    "max_megabytes": _number(1, 2048),
    "sender": _id(1, 15),
    "receiver": _id(1, 15),
    "sender_qualifier": _QUALIFIER,
    "receiver_qualifier": _QUALIFIER,
    "group_sender": _id(2, 15),
    "group_receiver": _id(2, 15),
    "submitter": _NAME,
    "submitter_id": _id(2, 80),
    "contact": _NAME,
    "phone": _text(PHONE, 10, 10, "ten digits without a leading 1"),
    "receiver_name": _NAME,
    "receiver_id": _id(2, 80),
    "acknowledge": _yes_or_no,
    "test": _yes_or_no,
    "claims_per_set": _number(1, 5000),
    "line_break": _choice(*LINE_BREAKS),
    "hours_to_upload": _number(1, 1000),
    "hours_to_999": _number(1, 1000),
    "hours_to_277ca": _number(1, 1000),
    "days_to_835": _number(1, 1000),
    "contractual": _reasons,
}
