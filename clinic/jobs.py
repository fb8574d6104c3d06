"""The jobs of the clinic, as data."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from backoffice.formats import count
from backoffice.runs.faults import Misuse
from backoffice.runs.job import Job, Json, Step
from backoffice.runs.models import Run
from backoffice.runs.parameters import day, refuse_unknown, whole
from backoffice.runs.repeating import idempotent
from clinic.models import MissingService
from clinic.recovery import balance, judge, prepare, scope, settle, store, verdict, write
from clinic.recovery.scope import PREVIEW
from clinic.worklist import title_of
from regions.models import Region

MODES = ("write", PREVIEW)
MOST_ROWS = 500
KNOWN = ("from", "to", "days", "window", "chunk", "mode", "only")


def recovery_parameters(region: Region | None, raw: Json) -> Json:
    """{from, to, window} or {only}, with chunk and mode, checked and complete.

    Given are from (included) and to (not included) as days of the region, or `days`, which end yesterday; or `only`:
    {"rows": [MissingService ids, at most 500]}, {"failures_of": run id}, {"blocked_by": "cost_center:ID"}.
    """
    if region is None:
        raise Misuse("Recovery needs a region.")
    refuse_unknown(raw, *KNOWN)
    stored: Json = {"chunk": whole(raw, "chunk", 200, 1, 200), "mode": raw.get("mode", MODES[0])}
    if stored["mode"] not in MODES:
        raise Misuse(f"mode is one of: {', '.join(MODES)}.")
    if "only" in raw:
        if range_keys := {"from", "to", "days", "window"} & set(raw):
            raise Misuse(f"Either single appointments or a range: leave out {', '.join(sorted(range_keys))}.")
        return {**stored, "only": _only(region, raw["only"])}
    begins, ends = _range(region, raw)
    return {**stored, "from": begins.isoformat(), "to": ends.isoformat(), "window": whole(raw, "window", 7, 1, 36_600)}


def _range(region: Region, raw: Json) -> tuple[date, date]:
    if "days" in raw:
        if "from" in raw or "to" in raw:
            raise Misuse("Either days, or from and to.")
        today = datetime.now(ZoneInfo(region.time_zone)).date()
        return today - timedelta(days=whole(raw, "days", 1, 1, 36_600)), today
    if not ("from" in raw and "to" in raw):
        raise Misuse("Say which days: from and to, or days.")
    begins, ends = day(raw, "from"), day(raw, "to")
    if begins >= ends:
        raise Misuse(f"The range is empty: from {begins} (included) to {ends} (not included).")
    return begins, ends


def _only(region: Region, only: Any) -> Json:
    if not isinstance(only, dict) or len(only) != 1 or next(iter(only)) not in _CHECKS:
        raise Misuse(f"only holds one of: {', '.join(_CHECKS)}.")
    (name, value), *_ = only.items()
    return {name: _CHECKS[name](region, value)}


def _rows(region: Region, value: Any) -> list[int]:
    if not isinstance(value, list) or not all(type(one) is int and 0 < one < 2**63 for one in value):
        raise Misuse("rows is a list of row numbers of the worklist.")
    ids = sorted(set(value))
    if not 1 <= len(ids) <= MOST_ROWS:
        raise Misuse(f"rows holds 1 to {MOST_ROWS} rows; more are recovered by a range of days or by blocked_by.")
    if MissingService.objects.filter(region=region, pk__in=ids).count() != len(ids):
        raise Misuse(f"Some of these rows are not in the worklist of {region.name}.")
    return ids


def _failures_of(region: Region, value: Any) -> int:
    run = Run.objects.filter(pk=value, region=region, job="recover_services").first() if type(value) is int else None
    if run is None:
        raise Misuse(f"failures_of is the number of a recovery run of {region.name}.")
    return run.pk


def _blocked_by(region: Region, value: Any) -> str:
    kind, colon, key = value.partition(":") if isinstance(value, str) else ("", "", "")
    if not (kind and colon and key) or len(value) > 160 or not value.isprintable():
        raise Misuse("blocked_by names one master record, as cost_center:ID.")
    return str(value)


_CHECKS: dict[str, Callable[[Region, Any], Any]] = {
    "rows": _rows,
    "failures_of": _failures_of,
    "blocked_by": _blocked_by,
}


def recovery_key(region: Region, parameters: Json) -> str:
    """One writing run a region, whatever its range; previews run beside it."""
    return region.name if writes(parameters) else f"{region.name}:{PREVIEW}"


def writes(parameters: Json) -> bool:
    return bool(parameters["mode"] != PREVIEW)


def only_failed(run: Run) -> Json:
    """Parameters of a run over just the appointments that failed in this one."""
    return {"only": {"failures_of": run.pk}, "mode": run.parameters["mode"], "chunk": run.parameters["chunk"]}


def in_words(parameters: Json) -> dict[str, str]:
    """What the page of a run says of its parameters."""
    does = "Writes what is missing" if writes(parameters) else "Preview: writes nothing"
    return {**_which(parameters), "Chunk": count(parameters["chunk"], "appointment"), "What it does": does}


def _which(parameters: Json) -> dict[str, str]:
    if "only" not in parameters:
        days = f"from {parameters['from']} to {parameters['to']} (not included)"
        return {"Appointments": days, "Window": count(parameters["window"], "day")}
    ((name, value),) = parameters["only"].items()
    said = {
        "rows": lambda: f"{count(len(value), 'row')} of the worklist",
        "failures_of": lambda: f"those that failed in run {value}",
        "blocked_by": lambda: f"those held up by one record: {title_of(value)}",
    }
    return {"Appointments": said[name]()}


RECOVER_SERVICES = Job(
    name="recover_services",
    title="Missing-service recovery",
    nightly=True,
    twice=idempotent("a visit that has its service is left alone, and what broke off is looked up first"),
    queue="default",
    steps=(
        Step(
            name="recover",
            open=scope.open_recovery,
            settle=settle.settle,
            chunks=judge.chunks,
            prepare=prepare.prepare,
            intend=write.intend,
            act=write.act,
            commit=store.commit,
            verify=balance.verify,
            reset=balance.reset,
        ),
    ),
    outcomes=verdict.OUTCOMES,
    parameters=recovery_parameters,
    key=recovery_key,
    exclusive=writes,
    environmental=frozenset({"lookup", "write_path", "transient", "unexpected"}),
    start_verb="start_recovery",
    failed_only=only_failed,
    item_admin="clinic_missingservice",
    items="appointments",
    in_words=in_words,
)
