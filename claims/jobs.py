"""The jobs of claims, as data."""

from datetime import date

from backoffice.runs.faults import Misuse
from backoffice.runs.job import Job, Json, Step
from backoffice.runs.models import Run
from backoffice.runs.parameters import day, whole
from claims.models import Night, StagedBatch
from claims.pipeline import adjudicate, enrich, extract, night, price, remit, validate
from regions.models import Region

RUN_PIPELINE_NAME = "run_pipeline"
KNOWN = ("run_date", "partitions")
MOST_PARTITIONS = 64


def partitions(parameters: Json) -> int:
    """Of steps 3 to 5; the others are one."""
    return int(parameters["partitions"])


def pipeline_parameters(region: Region | None, raw: Json) -> Json:
    """{run_date, partitions}, checked: the date at 22:00 in the region's zone, and into how many parts members fall."""
    if region is None:
        raise Misuse("The pipeline needs a region.")
    if unknown := set(raw) - set(KNOWN):
        raise Misuse(f"Not known: {', '.join(sorted(unknown))}. Known are: {', '.join(KNOWN)}.")
    if "run_date" not in raw:
        raise Misuse("Say which night: run_date, as 2026-11-21.")
    run_date = day(raw, "run_date")
    many = whole(raw, "partitions", 1, 1, MOST_PARTITIONS)
    _check_order(region, run_date)
    return {"run_date": run_date.isoformat(), "partitions": many}


def _check_order(region: Region, run_date: date) -> None:
    """Nights follow each other: each begins with the accumulators that the one before has left."""
    nights = Night.objects.filter(region=region)
    if nights.filter(run_date__gt=run_date).exists():
        raise Misuse(f"A later night than {run_date} has been run; only the latest can be undone and run again.")
    before = nights.filter(run_date__lt=run_date).first()
    if before and not Run.objects.filter(chain=before.chain, status="complete").exists():
        raise Misuse(f"The night of {before.run_date} is not complete. Finish it, or undo it with undo_pipeline.")
    batches = StagedBatch.objects.filter(region=region)
    if not batches.filter(run_date=None).exists() and not batches.filter(run_date=run_date).exists():
        raise Misuse(
            f"No claims are staged for {region.name}. Load them: manage.py load_claims DIR --region {region.name}"
        )


def pipeline_key(region: Region, parameters: Json) -> str:
    return f"{region.name}:{parameters['run_date']}"


RUN_PIPELINE = Job(
    name=RUN_PIPELINE_NAME,
    title="Claims pipeline",
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
    once=True,
)  # fmt: skip
