"""The job of the queue uploads, as data, and its start for a video that has come."""

from typing import Any

import structlog

from backoffice.formats import count
from backoffice.runs.control import AlreadyRunning, start_run
from backoffice.runs.faults import Misuse
from backoffice.runs.job import Job, Json, Step
from backoffice.runs.parameters import refuse_unknown
from backoffice.runs.repeating import idempotent
from clinic.uploads import checking
from clinic.uploads.models import Upload
from regions.models import Region

log = structlog.get_logger(__name__)
NAME = "upload_video"
MOST_ONLY = 100


def parameters(region: Region | None, raw: Json) -> Json:
    """{only}: numbers of videos of the region, all that wait where it is left out."""
    if region is None:
        raise Misuse("This job needs a region: name one.")
    refuse_unknown(raw, "only")
    if "only" not in raw:
        return {}
    only = raw["only"]
    if not isinstance(only, list) or not 0 < len(only) <= MOST_ONLY or any(type(pk) is not int for pk in only):
        raise Misuse(f"only is a list of 1 to {MOST_ONLY:,} numbers of videos.")
    if Upload.objects.filter(region=region, pk__in=only).count() != len(set(only)):
        raise Misuse("only names what is no video of this region.")
    return {"only": sorted(set(only))}


def in_words(parameters: Json) -> dict[str, str]:
    only: Any = parameters.get("only")
    return {"Videos": count(len(only), "video") if only else "all that wait"}


def call_for_check(upload: Upload, user: Any = None) -> None:
    """After the commit that made it received. Where no run can be started now, `upload_video` of cron makes it up."""
    try:
        start_run(NAME, region=upload.region, parameters={"only": [upload.pk]}, user=user)
    except (AlreadyRunning, Misuse) as error:
        log.warning("video_waits", upload=upload.pk, error=type(error).__name__)


UPLOAD_VIDEO = Job(
    name=NAME,
    title="Videos checked",
    twice=idempotent("a video that was checked is left alone"),
    queue="uploads",
    steps=(
        Step(
            name="check", open=checking.open_check, chunks=checking.chunks, prepare=checking.prepare, act=checking.act,
        ),
    ),
    outcomes=checking.OUTCOMES,
    parameters=parameters,
    key=lambda region, parameters: ":".join([region.name, *map(str, parameters.get("only", [])[:10])]),
    items="videos",
    in_words=in_words,
)  # fmt: skip
