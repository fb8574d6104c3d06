"""The jobs of billing, as data."""

from collections.abc import Callable

from backoffice.formats import count
from backoffice.runs.faults import Misuse
from backoffice.runs.job import Job, Json, Step
from backoffice.runs.parameters import refuse_unknown, whole
from backoffice.runs.repeating import idempotent, maybe_sent
from billing.inbox import listing
from billing.making import steps
from billing.reading import applying, judging, scope, walking
from billing.submitting import batching, tested, uploading
from billing.submitting.scope import open_submission
from regions.models import Region

Parameters = Callable[[Region | None, Json], Json]


def _known(*known: str) -> Parameters:
    """As they are given: in a region, and none but these."""

    def parameters(region: Region | None, raw: Json) -> Json:
        if region is None:
            raise Misuse("Claims are made, sent and read for a region: name it.")
        refuse_unknown(raw, *known)
        return dict(raw)

    return parameters


def claiming_parameters(region: Region | None, raw: Json) -> Json:
    """{chunk}: how many services or claims are committed together."""
    return {"chunk": whole(_known("chunk")(region, raw), "chunk", 200, 1, 1_000)}


def region_key(region: Region, parameters: Json) -> str:
    """One live run a region."""
    return region.name


CLAIM_SERVICES = Job(
    name="claim_services",
    title="Claims of services",
    nightly=True,
    twice=idempotent("a service has one claim of a kind: the database refuses a second"),
    queue="default",
    steps=(
        Step(
            name="make", open=steps.open_making, chunks=steps.chunks_of_sources, prepare=steps.make,
            commit=steps.keep_made, verify=steps.check_made,
        ),
        Step(
            name="judge", open=steps.open_making, chunks=steps.chunks_of_drafts, prepare=steps.judge,
            commit=steps.keep_verdicts,
        ),
    ),
    outcomes=steps.OUTCOMES,
    parameters=claiming_parameters,
    key=region_key,
    items="services and drafts",
    in_words=lambda parameters: {"Chunk": count(parameters["chunk"], "service or draft", "services or drafts")},
)  # fmt: skip

# [S3-13]: everything that is validated; of what waits in a batch, a claim counts where its outcome is known.
SUBMIT_CLAIMS = Job(
    name="submit_claims",
    title="Claims submitted",
    nightly=True,
    twice=maybe_sent("a file that may have arrived is not sent again by itself: a 999 or a person decides"),
    queue="default",
    steps=(
        Step(
            name="tested", open=open_submission, chunks=tested.chunks, prepare=tested.prepare, commit=tested.commit,
        ),
        Step(
            name="batch", open=open_submission, chunks=batching.chunks, prepare=batching.prepare,
            commit=batching.commit,
        ),
        Step(
            name="upload", open=open_submission, settle=uploading.settle, chunks=uploading.chunks,
            prepare=uploading.prepare, intend=uploading.intend, act=uploading.act, commit=uploading.commit,
        ),
    ),
    outcomes=(*batching.OUTCOMES, *uploading.OUTCOMES),
    parameters=_known(),
    key=region_key,
    items="claims",
)  # fmt: skip

# [S3-11]: everything in the mailbox.
LIST_CLAIM_FILES = Job(
    name="list_claim_files",
    title="Clearinghouse files listed",
    twice=idempotent("a file is known by its bytes and stored once"),
    queue="processors",
    steps=(
        Step(
            name="list", open=listing.open_inbox, chunks=listing.chunks, prepare=listing.prepare,
            commit=listing.commit,
        ),
    ),
    outcomes=listing.OUTCOMES,
    parameters=_known(),
    key=region_key,
    items="files",
)  # fmt: skip

# [S3-10]: everything that was stored and not read.
PROCESS_CLAIM_FILES = Job(
    name="process_claim_files",
    title="Clearinghouse files read",
    twice=idempotent("each answer and payment of a file is kept once"),
    queue="processors",
    steps=(
        Step(
            name="read", open=scope.open_reading, chunks=walking.chunks, prepare=judging.prepare,
            commit=applying.commit,
        ),
    ),
    outcomes=judging.OUTCOMES,
    parameters=_known(),
    key=region_key,
    items="sets",
)  # fmt: skip
