"""The jobs of a region itself, as data."""

import re
from typing import Any

from backoffice.runs.faults import Misuse
from backoffice.runs.job import Job, Json, Step
from backoffice.runs.models import Run
from backoffice.runs.parameters import refuse_unknown
from backoffice.runs.repeating import idempotent
from regions.models import Region
from regions.sync import balance, prepare, reading, scope, settle, store, verdict, write
from regions.sync.result import result_of_run
from regions.sync.scope import PREVIEW, UNDO
from regions.sync.undoing import changes_are_forgotten, rows_are_forgotten

MODES = ("write", PREVIEW, UNDO)
KNOWN = ("rows", "mode", "run", "only")
SPAN = re.compile(r"([0-9]{1,7}):([0-9]{1,7})")


def sync_parameters(region: Region | None, raw: Json) -> Json:
    """{mode} and what of the sheet, checked: all of it, rows: "A:B" with both, or only: {"failures_of": run id}.

    With mode undo: run, the sync whose changes are put back.
    """
    if region is None:
        raise Misuse("The phone sync needs a region: name one.")
    refuse_unknown(raw, *KNOWN)
    mode = raw.get("mode", MODES[0])
    if mode not in MODES:
        raise Misuse(f"mode is one of: {', '.join(MODES)}.")
    if (mode == UNDO) != ("run" in raw):
        raise Misuse("run says which sync an undo puts back; with another mode, leave it out.")
    if mode == UNDO:
        if {"rows", "only"} & set(raw):
            raise Misuse("An undo puts back a whole run: leave out rows and only.")
        return {"mode": mode, "run": _undoable(region, raw["run"])}
    if {"rows", "only"} <= set(raw):
        raise Misuse("Either some rows, or only those that failed in a run: leave one of the two out.")
    return {
        "mode": mode,
        **({"rows": _span(raw["rows"])} if "rows" in raw else {}),
        **({"only": _only(region, raw["only"])} if "only" in raw else {}),
    }


def _only(region: Region, value: Any) -> Json:
    if not isinstance(value, dict) or set(value) != {"failures_of"}:
        raise Misuse("only holds failures_of, the number of a run.")
    run = _run(region, value["failures_of"], "failures_of")
    if run.parameters["mode"] == UNDO:
        raise Misuse(f"Run {run.pk} was an undo, which syncs no rows: undo the sync once more instead.")
    if rows_are_forgotten(run):
        raise Misuse(f"The rows of run {run.pk} are kept no more (PHONE_KEPT_DAYS): sync all rows instead.")
    return {"failures_of": run.pk}


def _undoable(region: Region, value: Any) -> int:
    run = _run(region, value, "run")
    if run.parameters["mode"] != MODES[0]:
        raise Misuse(f"Run {run.pk} has written no phones, so there is nothing to undo: name a sync that wrote.")
    if changes_are_forgotten(run):
        raise Misuse(f"What run {run.pk} has changed is kept no more (PHONE_KEPT_DAYS), so it cannot be undone.")
    return run.pk


def _run(region: Region, value: Any, name: str) -> Run:
    run = Run.objects.filter(pk=value, region=region, job="sync_phones").first() if type(value) is int else None
    if run is None:
        raise Misuse(f"{name} is the number of a phone sync of {region.name}: the list of runs has it.")
    return run


def only_failed(run: Run) -> Json:
    """Parameters of a run over just the rows that failed in this one, wherever they are now.

    Of an undo it is the undo once more: what it has put back is then found so, and nothing else is tried.
    """
    if run.parameters["mode"] == UNDO:
        return dict(run.parameters)
    return {"only": {"failures_of": run.pk}, "mode": PREVIEW if run.parameters["mode"] == PREVIEW else MODES[0]}


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


DOES = {MODES[0]: "Writes phones", PREVIEW: "Preview: writes nothing", UNDO: "Puts phones back"}


def in_words(parameters: Json) -> dict[str, str]:
    """What the page of a run says of its parameters."""
    rows = "all"
    if "rows" in parameters:
        rows = parameters["rows"].replace(":", " to ")
    elif "only" in parameters:
        rows = f"those that failed in run {parameters['only']['failures_of']}"
    elif "run" in parameters:
        rows = f"those that run {parameters['run']} has changed"
    return {"Rows": rows, "What it does": DOES[parameters["mode"]]}


SYNC_PHONES = Job(
    name="sync_phones",
    title="Phone sync",
    nightly=True,
    twice=idempotent("a phone that is as the sheet says is left alone, and one that broke off is looked up first"),
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
    failed_only=only_failed,
    item_admin="regions_phonerow",
    items="rows",
    in_words=in_words,
    result=result_of_run,
)
