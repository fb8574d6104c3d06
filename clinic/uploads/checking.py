"""UploadVideo (contract S3-12): each video that has come is completed or failed, with processed_at and the reason.

The row's state is the guard: what is done again does nothing. Of one that failed the bytes are deleted.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog
from django.db import transaction
from django.utils import timezone

from backoffice.runs.job import Chunk, Fault, Json, Result
from backoffice.runs.models import StepPart
from clinic.uploads.content import NotVideo, kind_of
from clinic.uploads.files import let_go, open_to_read
from clinic.uploads.limits import Limits, limits_of
from clinic.uploads.models import Upload
from regions.keys import VIDEO_TYPES
from regions.models import Region
from regions.of_run import region_of

OUTCOMES = (COMPLETED, FAILED, GONE) = ("completed", "failed", "gone")
State = Upload.State
log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """Opened for one part: whose videos, what the region takes, and of which alone the run is, all where empty."""

    region: Region
    limits: Limits
    only: tuple[int, ...]


@contextmanager
def open_check(part: StepPart) -> Iterator[Check]:
    region = region_of(part)
    yield Check(region=region, limits=limits_of(region), only=tuple(part.run.parameters.get("only", ())))


def chunks(check: Check, checkpoint: Json | None) -> Iterator[Chunk]:
    """One video each. What is checked takes itself out, so that a restart needs no place to go on from."""
    rows = Upload.objects.filter(region=check.region, state=State.RECEIVED).order_by("pk")
    if check.only:
        rows = rows.filter(pk__in=check.only)
    after = 0
    while (upload := rows.filter(pk__gt=after).first()) is not None:
        after = upload.pk
        yield Chunk(data=upload, checkpoint={}, label=f"video {after}")


def prepare(check: Check, chunk: Chunk) -> Result:
    return Result(rows=chunk.data, intents=[chunk.data], intended=True)


def act(check: Check, result: Result) -> Result:
    """Looks at the file with no transaction open, then says what became of it."""
    upload: Upload = result.rows
    try:
        kind, refused = judged(upload, check.limits), None
    except NotVideo as why:
        kind, refused = "", why
    outcome = settle(upload, kind, refused)
    failures = []
    if refused is not None and outcome == FAILED:
        log.warning("video_failed", upload=upload.pk, reason=refused.reason)
        failures = [Fault(category="refused", reason=refused.reason, phase="act", reference=f"video {upload.pk}")]
    return Result(read=1, outcomes=Counter([outcome]), failures=failures)


def judged(upload: Upload, limits: Limits) -> str:
    """Its kind, which the region takes; NotVideo."""
    try:
        with open_to_read(upload.file) as file:
            size = file.seek(0, 2)
            if size != upload.length:
                raise NotVideo("size", "Its size is not what was announced.")
            if size > limits.size:
                raise NotVideo("too_large", "It is larger than the region takes.")
            kind = kind_of(file, size)
    except (FileNotFoundError, IsADirectoryError):
        raise NotVideo("file_missing", "Its file is not there any more.") from None
    if kind not in limits.kinds:
        raise NotVideo("kind", f"It is {VIDEO_TYPES[kind]}, which this region does not take.")
    return kind


def settle(upload: Upload, kind: str, refused: NotVideo | None) -> str:
    """The outcome; gone where it was withdrawn, or its patient removed, while it was looked at."""
    state = State.COMPLETED if refused is None else State.FAILED
    changes = {"state": state, "kind": kind, "problem": str(refused or ""), "processed_at": timezone.now()}
    with transaction.atomic():
        mine = Upload.objects.filter(pk=upload.pk)
        if not mine.filter(state=State.RECEIVED, file=upload.file).update(**changes):
            return GONE
        if refused is not None:
            let_go(mine)
    return COMPLETED if refused is None else FAILED
