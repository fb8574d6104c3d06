"""The clinic's jobs, as data."""

from typing import Any

from backoffice.formats import count
from backoffice.runs.faults import Misuse
from backoffice.runs.job import Job, Json, Step
from backoffice.runs.parameters import refuse_unknown
from backoffice.runs.repeating import billed, idempotent
from clinic.care.eligibility import asking, polling, work
from clinic.care.eligibility.scope import open_check
from clinic.care.models import EligibilityInformation
from clinic.care.states import tracking
from regions.models import Region

MOST_ONLY = 1000


def check_parameters(region: Region | None, raw: Json) -> Json:
    """{only}: ids of active records of the region, all of them where it is left out."""
    known = _of_region(region, raw, "only")
    if "only" not in known:
        return {}
    only = known["only"]
    if not isinstance(only, list) or not 0 < len(only) <= MOST_ONLY or any(type(pk) is not int for pk in only):
        raise Misuse(f"only is a list of 1 to {MOST_ONLY:,} numbers of eligibility information.")
    found = EligibilityInformation.objects.filter(region=region, active=True, pk__in=only).count()
    if found != len(set(only)):
        raise Misuse("only names what is no active eligibility information of this region.")
    return {"only": sorted(set(only))}


def no_parameters(region: Region | None, raw: Json) -> Json:
    return _of_region(region, raw)


def _of_region(region: Region | None, raw: Json, *known: str) -> Json:
    if region is None:
        raise Misuse("This job needs a region: name one.")
    refuse_unknown(raw, *known)
    return dict(raw)


def check_key(region: Region, parameters: Json) -> str:
    """One run over all records of a region at a time; beside it, one about a record."""
    only = parameters.get("only", [])
    return ":".join([region.name, *map(str, only[:10])])


def in_words(parameters: Json) -> dict[str, str]:
    only: Any = parameters.get("only")
    return {"Records": count(len(only), "record") if only else "all that are active"}


# [S3-03], [S3-19]: one item per active record.
CHECK_ELIGIBILITY = Job(
    name="check_eligibility",
    title="Coverage checked",
    twice=billed(
        "a patient has one report a month, what was not answered is not asked again by itself, and the cap ends the run"
    ),
    queue="eligibility",
    steps=(
        Step(
            name="poll", open=open_check, chunks=polling.chunks, prepare=polling.prepare, commit=polling.commit,
            verify=polling.verify,
        ),
        Step(
            name="ask", open=open_check, settle=asking.settle, chunks=asking.chunks, prepare=asking.prepare,
            intend=asking.intend, act=asking.act, commit=asking.commit, verify=asking.verify,
        ),
    ),
    outcomes=work.OUTCOMES,
    parameters=check_parameters,
    key=check_key,
    items="records and pending reports",
    in_words=in_words,
)  # fmt: skip

# [S3-07], [S3-18]: at the time, and an hour after.
TRACK_STATES = Job(
    name="track_appointment_states",
    title="Appointments followed",
    twice=idempotent("each look at a visit is noted once, and one that has moved on is left alone"),
    queue="states",
    steps=(
        Step(
            name="track", open=tracking.open_region, chunks=tracking.chunks, prepare=tracking.prepare,
            act=tracking.act,
        ),
    ),
    outcomes=tracking.OUTCOMES,
    parameters=no_parameters,
    key=lambda region, parameters: region.name,
    items="appointments",
)  # fmt: skip
