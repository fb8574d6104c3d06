"""The region file: JSON text in, a checked RegionFile out, and back (docs/decisions/0010-region-file.md).

Every problem is found in one reading and told on a line of its own, by the key's name and never by a secret's value.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from regions import keys
from regions.models import Region

ENV_MARK = "env:"
KEEP_MARK = "keep:"

# Keys of the file that are columns of Region, as the file spells them.
COLUMNS = (
    "display_name",
    "time_zone",
    "country",
    "pace",
    "fhir",
    "clearinghouse",
    "concurrency_per_run",
    "filing_days",
    "collection_percent",
)
OPTIONS = {
    "pace": keys.pace_problems,
    "fhir": keys.fhir_problems,
    "clearinghouse": keys.clearinghouse_problems,
}
KNOWN = ("name", *COLUMNS, *keys.DEPLOYMENT_KEYS, "env_vars")

Json = dict[str, Any]


class RegionFileError(Exception):
    """The file cannot be loaded as it is; `problems` has one line for each thing to mend."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, kw_only=True)
class RegionFile:
    """A file that has been checked. `kept` are secrets that the region is to have already."""

    name: str
    columns: Json
    deployment: Json
    env_vars: Mapping[str, str] = field(repr=False)
    env_sources: Mapping[str, str]
    kept: frozenset[str]


def parse(text: str, *, environ: Mapping[str, str] = os.environ) -> RegionFile:
    """Read and check a region file; RegionFileError lists all that is wrong with it."""
    document = _document(text)
    problems = [f"{key}: is not a known key" for key in document if key not in KNOWN]
    problems += [f"{key}: is missing" for key in ("name", "time_zone") if key not in document]
    columns = _columns(document, problems)
    deployment = {key: document[key] for key in keys.DEPLOYMENT_KEYS if key in document}
    problems += [f"{key}: must be text" for key, value in deployment.items() if not isinstance(value, str)]
    raw = document.get("env_vars", {})
    if not isinstance(raw, dict):
        problems.append("env_vars: must be an object")
        raw = {}
    env_vars, env_sources, kept = _env_vars(raw, environ, problems)
    if problems:
        raise RegionFileError(problems)
    name = columns.pop("name")
    columns.setdefault("display_name", name.replace("-", " ").title())
    return RegionFile(
        name=name, columns=columns, deployment=deployment, env_vars=env_vars, env_sources=env_sources, kept=kept
    )


def _document(text: str) -> Json:
    repeated: list[str] = []

    def object_of(pairs: list[tuple[str, Any]]) -> Json:
        names = [name for name, _ in pairs]
        repeated.extend(f"{name}: is given twice" for name in sorted({name for name in names if names.count(name) > 1}))
        return dict(pairs)

    try:
        document = json.loads(text, object_pairs_hook=object_of, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        where = f"line {error.lineno}, column {error.colno}: " if isinstance(error, json.JSONDecodeError) else ""
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "it holds what JSON does not know"
        raise RegionFileError([f"{where}is not JSON: {reason}"]) from None
    if not isinstance(document, dict):
        raise RegionFileError(["must be one JSON object"])
    if repeated:
        raise RegionFileError(repeated)
    return document


def _no_number(word: str) -> float:
    raise ValueError(word)


def _columns(document: Json, problems: list[str]) -> Json:
    """The columns of Region that the file names, converted; what is wrong with them is added to `problems`."""
    columns: Json = {}
    checks = {
        "name": keys.name_problem,
        "display_name": lambda value: None if 0 < len(value.strip()) <= 100 else "must have 1 to 100 characters",
        "time_zone": keys.time_zone_problem,
        "country": keys.country_problem,
    }
    for key, check in checks.items():
        if key in document:
            columns[key] = document[key]
            problem = check(document[key]) if isinstance(document[key], str) else "must be text"
            problems += [f"{key}: {problem}"] if problem else []
    for key, highest in (("concurrency_per_run", keys.MAX_CONCURRENCY), ("filing_days", keys.MAX_FILING_DAYS)):
        if key in document:
            columns[key] = document[key]
            if type(document[key]) is not int or not 1 <= document[key] <= highest:
                problems.append(f"{key}: must be a whole number from 1 to {highest}")
    for key, problems_of in OPTIONS.items():
        if key in document:
            options = columns[key] = document[key]
            if isinstance(options, dict):
                problems += [f"{key}.{name}: {problem}" for name, problem in problems_of(options)]
            else:
                problems.append(f"{key}: must be an object")
    if "collection_percent" in document:
        columns["collection_percent"] = _percent(document["collection_percent"], problems)
    return columns


def _percent(value: Any, problems: list[str]) -> Decimal:
    try:
        percent = Decimal("NaN") if isinstance(value, bool) else Decimal(str(value))
    except InvalidOperation:
        percent = Decimal("NaN")
    problem = keys.percent_problem(percent)
    problems += [f"collection_percent: {problem}"] if problem else []
    return percent


def _env_vars(
    raw: Json, environ: Mapping[str, str], problems: list[str]
) -> tuple[dict[str, str], dict[str, str], frozenset[str]]:
    """(values, sources, kept): values read from the environment where the file says so."""
    values: dict[str, str] = {}
    sources: dict[str, str] = {}
    kept = set()
    for key, value in raw.items():
        problem = None
        if key not in keys.ENV_VARS:
            problem = "is not a known key"
        elif not isinstance(value, str):
            problem = "must be text"
        elif value == KEEP_MARK and key in keys.SECRETS:
            kept.add(key)
        else:
            source = value.removeprefix(ENV_MARK) if value.startswith(ENV_MARK) else None
            found = value if source is None else environ.get(source)
            problem = f"environment variable {source} is not set" if found is None else _value_problem(key, found)
            values[key] = found or ""
            sources |= {key: source} if source is not None else {}
        problems += [f"env_vars.{key}: {problem}"] if problem else []
    return values, sources, frozenset(kept)


def _value_problem(key: str, value: str) -> str | None:
    if value.startswith((ENV_MARK, KEEP_MARK)):
        return f"must not begin with {ENV_MARK} or {KEEP_MARK}"
    return keys.env_var_problem(key, value)


def export(region: Region, *, secrets: bool = False) -> Json:
    """The region as a file that, loaded again, changes nothing.

    A value that came from the environment is written as env:NAME; any other secret as keep:, unless `secrets` asks for
    all values in clear. SecretUnreadable where the region's values do not open.
    """
    document: Json = {"name": region.name}
    document |= {column: getattr(region, column) for column in COLUMNS}
    document["collection_percent"] = str(region.collection_percent)
    document |= {key: region.deployment[key] for key in keys.DEPLOYMENT_KEYS if key in region.deployment}
    document["env_vars"] = {
        key: value if secrets else _placeholder(region, key, value) for key, value in sorted(region.env_vars.items())
    }
    return document


def _placeholder(region: Region, key: str, value: str) -> str:
    if key in region.env_sources:
        return ENV_MARK + str(region.env_sources[key])
    return KEEP_MARK if key in keys.SECRETS else value
