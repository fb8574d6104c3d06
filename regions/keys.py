"""What a region can be told: the keys of its file, their kinds and limits (product.md, "Region file")."""

import base64
import ipaddress
import re
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from regions.clearinghouse_keys import clearinghouse_problems as clearinghouse_problems
from regions.phones import countries

Kind = Literal["secret", "secret lines", "webhook secrets", "url", "text", "megabytes", "video types"]

# What the jobs connect to, and by what those are known who send us events. "secret": never shown again; "secret
# lines": as many as there are; "webhook secrets": as Standard Webhooks writes them, the new and the old one with a
# blank between while they change. "url": must be https, except on this machine. "video types": of VIDEO_TYPES, with
# blanks between.
ENV_VARS: dict[str, Kind] = {
    "FHIR_SERVER_URL": "url",
    "FHIR_API_TOKEN": "secret",
    "FHIR_TOKEN_URL": "url",
    "FHIR_CLIENT_ID": "text",
    "FHIR_CLIENT_SECRET": "secret",
    "FHIR_IDENTIFIER_SYSTEM": "text",
    "SPREADSHEET_ID": "text",
    "WORKSHEET_ID": "text",
    "HOSPITAL_GRAPHQL_URL": "url",
    "HOSPITAL_API_TOKEN": "secret",
    "SFTP_PASSWORD": "secret",
    "SFTP_PRIVATE_KEY": "secret lines",
    "LIS_WEBHOOK_SECRET": "webhook secrets",
    "POS_WEBHOOK_SECRET": "webhook secrets",
    "TWILIO_ACCOUNT_SID": "text",
    "TWILIO_AUTH_TOKEN": "secret",
    "TWILIO_FROM": "text",
    "FCM_KEY": "secret lines",
    "MAIL_FROM": "text",
    "PVERIFY_URL": "url",
    "PVERIFY_CLIENT_ID": "text",
    "PVERIFY_CLIENT_SECRET": "secret",
    "UPLOAD_MAX_MB": "megabytes",
    "UPLOAD_TYPES": "video types",
}
SECRETS = frozenset(name for name, kind in ENV_VARS.items() if "secret" in kind)

# Where each secret goes, or what is got with it. The clearinghouse's address is no key of env_vars.
CLEARINGHOUSE = "clearinghouse"
SENT_TO = {
    "FHIR_API_TOKEN": ("FHIR_SERVER_URL",),
    "FHIR_CLIENT_SECRET": ("FHIR_TOKEN_URL", "FHIR_SERVER_URL"),
    "HOSPITAL_API_TOKEN": ("HOSPITAL_GRAPHQL_URL",),
    "SFTP_PASSWORD": (CLEARINGHOUSE,),
    "SFTP_PRIVATE_KEY": (CLEARINGHOUSE,),
    "LIS_WEBHOOK_SECRET": (),  # they sign what comes, and are sent nowhere
    "POS_WEBHOOK_SECRET": (),
    "TWILIO_AUTH_TOKEN": (),  # to Twilio and Google, whose addresses are settings of the installation
    "FCM_KEY": (),
    "PVERIFY_CLIENT_SECRET": ("PVERIFY_URL",),
}

# What a region's manifest is made from; the program itself does not read them.
DEPLOYMENT_KEYS = (
    "project_id", "service_name", "region", "platform", "memory", "cpu", "timeout", "max_instances", "min_instances",
    "concurrency", "credential_file",
)  # fmt: skip

# Requests per second; fhir_entries: entries of bundles per second.
PACE_KEYS = ("hospital", "fhir", "fhir_entries")

# How a FHIR server wants to be asked, as the client's options name it (backoffice/adapters/fhir.py); and use.
FHIR_CHOICES = {
    "strategy": ("batch-get", "or-search"),
    "method": ("put", "json-patch", "fhirpath-patch"),
    "batch": (True, False),
    "use": ("mobile", "home", "work", "temp"),  # which of a patient's phones is kept
}
FHIR_LIMITS = {"entries_per_batch": (1, 1000), "bytes_per_batch": (10_000, 100_000_000)}
FHIR_KEYS = (*FHIR_CHOICES, *FHIR_LIMITS)

# What the secrets of Standard Webhooks begin with.
WEBHOOK_MARK = "whsec_"

# The kinds of video that a region can take, and how people call them.
VIDEO_TYPES = {"mp4": "MP4", "quicktime": "QuickTime", "webm": "WebM", "matroska": "Matroska"}
MAX_UPLOAD_MB = 65_536

MAX_CONCURRENCY = 64
MAX_FILING_DAYS = 3650
NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
COUNTRY = re.compile(r"[A-Z]{2}")


@lru_cache(maxsize=1)
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def name_problem(value: str) -> str | None:
    if len(value) <= 50 and NAME.fullmatch(value):
        return None
    return "must be at most 50 small letters, digits and single hyphens, beginning with a letter"


def time_zone_problem(value: str) -> str | None:
    return None if value in _time_zones() else "is not an IANA time zone such as Asia/Jakarta"


def country_problem(value: str) -> str | None:
    if value == "" or value in countries():
        return None
    unknown = "is no country whose phone numbers are known; ID and US are" if COUNTRY.fullmatch(value) else ""
    return unknown or "must be two capital letters (ISO 3166), such as ID"


def percent_problem(value: Decimal) -> str | None:
    if value.is_finite() and 0 <= value <= 100 and value == value.quantize(Decimal("0.01")):
        return None
    return "must lie between 0 and 100, with at most two decimals"


def pace_problems(pace: dict[str, Any]) -> list[tuple[str, str]]:
    """(key, problem) of each pace that cannot be kept."""
    problems = [(key, "is not known; known are " + ", ".join(PACE_KEYS)) for key in pace if key not in PACE_KEYS]
    for key in PACE_KEYS:
        rate = pace.get(key, 1)
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 < rate <= 100_000:
            problems.append((key, "must be a number of requests per second above 0"))
    return problems


def fhir_problems(fhir: dict[str, Any]) -> list[tuple[str, str]]:
    """(key, problem) of each option that the FHIR client does not have."""
    problems = [(key, "is not known; known are " + ", ".join(FHIR_KEYS)) for key in fhir if key not in FHIR_KEYS]
    for key, choices in FHIR_CHOICES.items():
        if key in fhir and not any(fhir[key] is one or (one == fhir[key] and type(one) is str) for one in choices):
            problems.append((key, "must be one of: " + ", ".join(_as_json(one) for one in choices)))
    for key, (least, most) in FHIR_LIMITS.items():
        if key in fhir and (type(fhir[key]) is not int or not least <= fhir[key] <= most):
            problems.append((key, f"must be a whole number from {least} to {most}"))
    return problems


def _as_json(choice: object) -> str:
    return str(choice).lower() if isinstance(choice, bool) else str(choice)


def env_var_problem(name: str, value: str) -> str | None:
    """What is wrong with the value of one key of env_vars; the value itself is never repeated."""
    if not value.strip():
        return "is empty; leave the key out instead"
    if ENV_VARS[name] == "secret lines":
        return None if len(value) <= 20_000 else "must have at most 20,000 characters"
    if len(value) > 4000 or not value.isprintable() or value != value.strip():
        return "must be one line of at most 4,000 characters, without blanks around it"
    if ENV_VARS[name] == "webhook secrets":
        return webhook_secrets_problem(value)
    problem = _OF_KIND.get(ENV_VARS[name])
    return problem(value) if problem else None


def megabytes_problem(value: str) -> str | None:
    if re.fullmatch(r"[1-9][0-9]{0,4}", value) and int(value) <= MAX_UPLOAD_MB:
        return None
    return f"must be a whole number of megabytes from 1 to {MAX_UPLOAD_MB:,}"


def video_types_problem(value: str) -> str | None:
    if set(value.split(" ")) <= set(VIDEO_TYPES):
        return None
    return f"must be some of {', '.join(VIDEO_TYPES)}, with a blank between"


def webhook_secrets_problem(value: str) -> str | None:
    for secret in value.split(" "):
        try:
            length = len(base64.b64decode(secret.removeprefix(WEBHOOK_MARK), validate=True))
        except ValueError:
            length = 0
        if not secret.startswith(WEBHOOK_MARK) or not 24 <= length <= 64:
            return f"must be {WEBHOOK_MARK} and 24 to 64 bytes in base64; of two, with a blank between"
    return None


def url_problem(value: str) -> str | None:
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "is not a URL"
    if parts.scheme not in ("http", "https") or not host or " " in value:
        return "must be a URL that begins with https://"
    if parts.username is not None or parts.password is not None:
        return "must not hold a user name or password"
    if parts.scheme == "http" and not is_loopback(host):
        return "must be https; plain http is allowed on this machine's loopback only"
    return None


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


_OF_KIND: dict[str, Callable[[str], str | None]] = {
    "url": url_problem,
    "megabytes": megabytes_problem,
    "video types": video_types_problem,
}
