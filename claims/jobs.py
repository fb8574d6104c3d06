"""The jobs of claims, as data: a night, a range of nights once more, and a night taken back."""

from datetime import date

from django.utils import timezone

from backoffice.runs.faults import Misuse
from backoffice.runs.job import Job, Json, Step
from backoffice.runs.models import LIVE, Run, StepState, StepStatus
from backoffice.runs.parameters import day, refuse_unknown, whole
from backoffice.runs.repeating import idempotent
from claims import again, taking_back
from claims.models import Night, StagedBatch
from claims.pipeline import adjudicate, enrich, extract, night, price, remit, turns, validate
from claims.pipeline.once import refuse_release
from claims.pipeline.order import emptied, standing_after, undoing, unfinished_before
from regions.models import Region

RUN_PIPELINE_NAME, RERUN_PIPELINE_NAME, UNDO_PIPELINE_NAME = turns.NIGHTS
UNDO = "undo"  # the step of the latter two that takes back
KNOWN = ("run_date", "partitions")
MOST_PARTITIONS = 64


def partitions(parameters: Json) -> int:
    """Of steps 3 to 5; the others are one."""
    return int(parameters["partitions"])


def pipeline_parameters(region: Region | None, raw: Json) -> Json:
    """{run_date, partitions}, checked: the date at 22:00 in the region's zone, and into how many parts members fall."""
    if region is None:
        raise Misuse("The pipeline needs a region.")
    refuse_unknown(raw, *KNOWN)
    if "run_date" not in raw:
        raise Misuse("Say which night: run_date, as 2026-11-21.")
    run_date = day(raw, "run_date")
    many = whole(raw, "partitions", 1, 1, MOST_PARTITIONS)
    _check_order(region, run_date)
    return {"run_date": run_date.isoformat(), "partitions": many}


def _check_order(region: Region, run_date: date) -> None:
    """Nights follow each other: each begins with the accumulators that the one before has left. One that is still to
    come would bar all those before it."""
    _check_latest(region, run_date)
    today = timezone.localdate(timezone=region.zone)
    if run_date > today and not Night.objects.filter(region=region, run_date=run_date).exists():
        raise Misuse(f"{run_date} is still to come: in {region.zone} it is {today}.")
    if before := unfinished_before(region, run_date):
        _check_has_lines(before)
        raise Misuse(
            f"The night of {before.run_date} is not complete. Finish it, or take it back: {_taking_back(before)}"
        )
    _check_alone(region, run_date)
    _check_not_taken_back(region)
    begun = Night.objects.select_related("region").filter(region=region, run_date=run_date).first()
    if begun is not None:
        _check_has_lines(begun)
    elif not StagedBatch.waiting_for(region, run_date).exists():
        raise Misuse(
            f"No claims are staged for {region.name}. Load them: manage.py load_claims DIR --region {region.name}"
        )


def _check_has_lines(night: Night) -> None:
    if emptied(night):
        raise Misuse(
            f"The night of {night.run_date} is undone and has no lines any more. Take it off the calendar:"
            f" {_taking_back(night)}"
        )


def _check_latest(region: Region, run_date: date) -> None:
    if later := standing_after(region, run_date):
        raise Misuse(
            f"A later night than {run_date} has been run; only the latest can be undone and run again. To take it back:"
            f" {_taking_back(later[-1])}"
        )


def _check_alone(region: Region, run_date: date) -> None:
    key = pipeline_key(region, {"run_date": run_date.isoformat()})
    live = Run.objects.filter(job=RUN_PIPELINE_NAME, region=region, status__in=LIVE).exclude(key=key).first()
    if live:
        raise Misuse(f"The night of {live.parameters['run_date']} is {live.status}. One night of a region at a time.")


def _check_not_taken_back(region: Region) -> None:
    """A night that began while a job takes nights of the region back would lose what it has just written."""
    live = Run.objects.filter(job__in=(UNDO_PIPELINE_NAME, RERUN_PIPELINE_NAME), region=region, status__in=LIVE)
    undoing = StepState.objects.filter(chain__in=live.values("chain"), name=UNDO).exclude(status=StepStatus.COMPLETE)
    if run := live.filter(chain__in=undoing.values("chain")).first():
        raise Misuse(f"A night of {region.name} is being taken back: run {run.pk}. Start when that has ended.")


def admit(run: Run) -> None:
    """In its turn, and then in its order: a restart as well as a start, and two that begin at once see each other."""
    turns.admit(run)
    _check_order(*_place(run))


def undoable(run: Run) -> None:
    """Nothing stands on it. What it stands on is no matter: an undo is the way out where that broke off."""
    _check_latest(*_place(run))
    _check_alone(*_place(run))


def _place(run: Run) -> tuple[Region, date]:
    if run.region is None:
        raise Misuse("The pipeline needs a region.")
    return run.region, date.fromisoformat(run.parameters["run_date"])


def _taking_back(night: Night) -> str:
    return undoing(night, "--release")


def pipeline_key(region: Region, parameters: Json) -> str:
    return f"{region.name}:{parameters['run_date']}"


RUN_PIPELINE = Job(
    name=RUN_PIPELINE_NAME,
    title="Claims pipeline",
    nightly=True,
    twice=idempotent("a night that is complete is not run again, one that broke off goes on where it was"),
    queue="processors",
    steps=(
        Step(
            name="extract", open=extract.open_step, chunks=extract.chunks, prepare=extract.prepare,
            commit=night.commit, verify=extract.check, reset=extract.reset,
        ),
        Step(
            name="validate", open=validate.open_step, chunks=validate.chunks, prepare=validate.prepare,
            commit=night.commit, verify=validate.check, reset=validate.reset,
        ),
        Step(
            name="enrich", open=enrich.open_step, chunks=enrich.chunks, prepare=enrich.prepare,
            commit=night.commit, verify=enrich.check, reset=enrich.reset, partitions=partitions,
        ),
        Step(
            name="price", open=price.open_step, chunks=price.chunks, prepare=price.prepare,
            commit=night.commit, verify=price.check, reset=price.reset, partitions=partitions,
        ),
        Step(
            name="adjudicate", open=adjudicate.open_step, settle=adjudicate.settle, chunks=adjudicate.chunks,
            prepare=adjudicate.prepare, intend=adjudicate.intend, act=adjudicate.act, commit=adjudicate.commit,
            verify=adjudicate.check, reset=adjudicate.reset, partitions=partitions,
        ),
        Step(
            name="remit", open=remit.open_step, chunks=remit.chunks, prepare=remit.prepare,
            commit=remit.commit, verify=remit.check, reset=remit.reset,
        ),
    ),
    outcomes=("paid", "denied", "rejected"),
    parameters=pipeline_parameters,
    key=pipeline_key,
    admit=admit,
    undoable=undoable,
    once=True,
)  # fmt: skip

RANGE = ("from", "to", "partitions")


def range_parameters(region: Region | None, raw: Json) -> Json:
    """{from, to, partitions where they are others than before}: dates of nights, both counted in, that may be run again
    together: nothing stands on what they have left, and the night before them is complete."""
    if region is None:
        raise Misuse("Nights are run again in a region.")
    refuse_unknown(raw, *RANGE)
    if "from" not in raw or "to" not in raw:
        raise Misuse("Say which nights: from and to, as 2026-11-21; both are counted in.")
    first, last = day(raw, "from"), day(raw, "to")
    if first > last:
        raise Misuse(f"from {first} is after to {last}.")
    stored: Json = {"from": first.isoformat(), "to": last.isoformat()}
    if "partitions" in raw:
        stored["partitions"] = whole(raw, "partitions", 1, 1, MOST_PARTITIONS)
    _check_range(region, first, last)
    return stored


def _check_range(region: Region, first: date, last: date) -> None:
    if not again.nights_between(region.pk, first, last).exists():
        nights = Night.objects.filter(region=region)[:5]
        latest = ", ".join(str(night.run_date) for night in nights) or "none yet"
        raise Misuse(f"{region.name} has no night from {first} to {last}. Latest: {latest}.")
    if later := standing_after(region, last):
        raise Misuse(
            f"The night of {later[0].run_date} stands on what these have left. Run it again with them:"
            f" --to {later[-1].run_date}; or undo it first: {undoing(later[-1])}"
        )
    if before := unfinished_before(region, first):
        raise Misuse(f"The night of {before.run_date} before them is not complete. Finish it, or begin with it.")
    elsewhere = Run.objects.filter(job=RUN_PIPELINE_NAME, region=region, status__in=LIVE)
    live = elsewhere.exclude(chain__in=again.nights_between(region.pk, first, last).values("chain")).first()
    if live:
        raise Misuse(f"The night of {live.parameters['run_date']} is {live.status}. One night of a region at a time.")


def range_in_words(parameters: Json) -> dict[str, str]:
    partitions = parameters.get("partitions")
    return {
        "Nights": f"{parameters['from']} to {parameters['to']}",
        "Partitions": str(partitions) if partitions else "as each had before",
    }


RERUN_PIPELINE = Job(
    name=RERUN_PIPELINE_NAME,
    title="Nights run again",
    twice=idempotent("each night is taken back before it runs anew"),
    queue="processors",
    steps=(
        Step(name=UNDO, open=again.open_step, chunks=again.chunks_of_undo, prepare=again.undo),
        Step(name="run", open=again.open_step, chunks=again.chunks_of_runs, prepare=again.account),
    ),
    outcomes=(again.COMPLETE, again.LEFT_OUT),
    parameters=range_parameters,
    key=lambda region, parameters: str(region.name),
    admit=turns.admit,
    items="nights",
    in_words=range_in_words,
)


def undo_parameters(region: Region | None, raw: Json) -> Json:
    """{run_date, release: whether its date is freed as well}: the latest night of the region, and not live."""
    if region is None:
        raise Misuse("A night is of a region.")
    refuse_unknown(raw, "run_date", "release")
    if "run_date" not in raw:
        raise Misuse("Say which night: run_date, as 2026-11-21.")
    run_date, free = day(raw, "run_date"), raw.get("release", False)
    if not isinstance(free, bool):
        raise Misuse("release is true or false.")
    night = Night.objects.filter(region=region, run_date=run_date).first()
    if night is None or night.last_run is None:
        raise Misuse(f"{region.name} has no night of {run_date} that was run.")
    if night.last_run.live:
        raise Misuse(f"Run {night.last_run.pk} is {night.last_run.status}. Stop it first.")
    if not night.undone:
        undoable(night.last_run)
    if free:
        refuse_release(night)
    return {"run_date": run_date.isoformat(), "release": free}


UNDO_PIPELINE = Job(
    name=UNDO_PIPELINE_NAME,
    title="Night taken back",
    twice=idempotent("a night that was taken back stays so"),
    queue="processors",
    steps=(Step(name=UNDO, open=again.open_step, chunks=taking_back.chunks, prepare=taking_back.take_back),),
    outcomes=(taking_back.UNDONE, taking_back.RELEASED),
    parameters=undo_parameters,
    key=lambda region, parameters: str(region.name),
    admit=turns.admit,
    items="nights",
)
