"""The report's job, as data (contract S3-15)."""

from backoffice.runs.faults import Misuse
from backoffice.runs.job import Job, Json, Step
from backoffice.runs.parameters import day, refuse_unknown
from backoffice.runs.repeating import idempotent
from clinic.reports import making
from clinic.reports.registry import kind_named
from regions.models import Region

KNOWN = ("kind", "format", "from", "to")


def parameters(region: Region | None, raw: Json) -> Json:
    """{kind, format, from (included), to (not included)}; days are the region's."""
    if region is None:
        raise Misuse("This job needs a region: name one.")
    refuse_unknown(raw, *KNOWN)
    if missing := [name for name in ("kind", "from", "to") if not raw.get(name)]:
        raise Misuse(f"Say {', '.join(missing)} as well.")
    chosen = raw.get("format", "csv")
    if chosen not in making.MOST_ROWS:
        raise Misuse(f"format is one of: {', '.join(making.MOST_ROWS)}.")
    begins, ends = day(raw, "from"), day(raw, "to")
    if begins >= ends:
        raise Misuse(f"The period is empty: from {begins} (included) to {ends} (not included).")
    return {
        "kind": kind_named(raw["kind"]).name,
        "format": chosen,
        "from": begins.isoformat(),
        "to": ends.isoformat(),
    }


def key(region: Region, parameters: Json) -> str:
    return ":".join([region.name, *(str(parameters[name]) for name in KNOWN)])


def in_words(parameters: Json) -> dict[str, str]:
    return {
        "Report": f"{kind_named(parameters['kind']).title}, {parameters['format'].upper()}",
        "Period": f"from {parameters['from']} to {parameters['to']} (not included)",
    }


REPORT = Job(
    name="report",
    title="Reports",
    twice=idempotent("it reads, and its file is stored with the last commit of its run"),
    queue="default",
    steps=(
        Step(
            name="make", open=making.open_making, chunks=making.chunks, prepare=making.prepare, commit=making.commit,
        ),
    ),
    outcomes=making.OUTCOMES,
    parameters=parameters,
    key=key,
    start_verb="export",
    items="rows",
    in_words=in_words,
)  # fmt: skip
