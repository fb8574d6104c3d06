"""What a region can be told: the keys of its file, their kinds and limits (product.md, "Region file")."""

import ipaddress
import re
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import urlsplit
from zoneinfo import available_timezones

Kind = Literal["secret", "url", "text"]

# What the jobs connect to. "secret": never shown again. "url": must be https, except on this machine.
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
}
SECRETS = frozenset(name for name, kind in ENV_VARS.items() if kind == "secret")

# Where each secret goes, or what is got with it.
SENT_TO = {
    "FHIR_API_TOKEN": ("FHIR_SERVER_URL",),
    "FHIR_CLIENT_SECRET": ("FHIR_TOKEN_URL", "FHIR_SERVER_URL"),
    "HOSPITAL_API_TOKEN": ("HOSPITAL_GRAPHQL_URL",),
}

# What a region's manifest is made from; the program itself does not read them.
DEPLOYMENT_KEYS = (
    "project_id", "service_name", "region", "platform", "memory", "cpu", "timeout", "max_instances", "min_instances",
    "concurrency", "credential_file",
)  # fmt: skip

# Requests per second; fhir_entries: entries of bundles per second.
PACE_KEYS = ("hospital", "fhir", "fhir_entries")

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
    return None if value == "" or COUNTRY.fullmatch(value) else "must be two capital letters (ISO 3166), such as ID"


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


def env_var_problem(name: str, value: str) -> str | None:
    """What is wrong with the value of one key of env_vars; the value itself is never repeated."""
    if not value.strip():
        return "is empty; leave the key out instead"
    if len(value) > 4000 or not value.isprintable() or value != value.strip():
        return "must be one line of at most 4,000 characters, without blanks around it"
    return url_problem(value) if ENV_VARS[name] == "url" else None


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
