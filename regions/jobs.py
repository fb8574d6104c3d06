"""The jobs of a region itself, as data."""

import re
from typing import Any

from backoffice.runs.faults import Misuse
from backoffice.runs.job import Job, Json, Step
from regions.models import Region
from regions.sync import balance, prepare, reading, scope, settle, store, verdict, write
from regions.sync.scope import PREVIEW

MODES = ("write", PREVIEW)
KNOWN = ("rows", "mode")
SPAN = re.compile(r"([0-9]{1,7}):([0-9]{1,7})")


def sync_parameters(region: Region | None, raw: Json) -> Json:
    """{mode} and, for a part of the sheet, rows: "A:B", both included, as the sheet counts them."""
    if region is None:
        raise Misuse("The phone sync needs a region.")
    if unknown := set(raw) - set(KNOWN):
        raise Misuse(f"Not known: {', '.join(sorted(unknown))}. Known are: {', '.join(KNOWN)}.")
    mode = raw.get("mode", MODES[0])
    if mode not in MODES:
        raise Misuse(f"mode is one of: {', '.join(MODES)}.")
    return {"mode": mode, **({"rows": _span(raw["rows"])} if "rows" in raw else {})}


def _span(value: Any) -> str:
    match = SPAN.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise Misuse("rows says the first and the last row as the sheet counts them, as 2:500.")
    first, last = int(match[1]), int(match[2])
    if not 2 <= first <= last:
        raise Misuse("rows begins at 2, since row 1 names the columns, and ends at the same row or a later one.")
    return f"{first}:{last}"


def sync_key(region: Region, parameters: Json) -> str:
    """One writing run a region, whatever its rows; previews run beside it."""
    return region.name if writes(parameters) else f"{region.name}:{PREVIEW}"


def writes(parameters: Json) -> bool:
    return bool(parameters["mode"] != PREVIEW)


def in_words(parameters: Json) -> dict[str, str]:
    """What the page of a run says of its parameters."""
    rows = parameters["rows"].replace(":", " to ") if "rows" in parameters else "all"
    return {"Rows": rows, "What it does": "Writes phones" if writes(parameters) else "Preview: writes nothing"}


SYNC_PHONES = Job(
    name="sync_phones",
    title="Phone sync",
    queue="default",
    steps=(
        Step(
            name="sync",
            open=scope.open_sync,
            settle=settle.settle,
            chunks=reading.chunks,
            prepare=prepare.prepare,
            intend=write.intend,
            act=write.act,
            commit=store.commit,
            verify=balance.verify,
            reset=balance.reset,
        ),
    ),
    outcomes=verdict.OUTCOMES,
    parameters=sync_parameters,
    key=sync_key,
    exclusive=writes,
    environmental=verdict.ENVIRONMENTAL,
    items="rows",
    in_words=in_words,
)
