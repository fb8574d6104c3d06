"""A night of some 300 lines, and all that it leaves: what a night that was disturbed must leave as well."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.utils import timezone

from backoffice.runs.models import Run, RunStatus, StepPart
from claims.models import BeforeImage, Night, OutputFile, PricedClaim, Remittance
from claims.pipeline import files
from claims.pipeline.generate import generate
from claims.pipeline.load import load
from claims.pipeline.numbers import span
from regions.models import Region
from tests.claims.folders import (
    RUN_DATE,
    accumulators_of,
    adjudicated_of,
    new_region,
    night_of,
    outputs_of,
    rejected_of,
    run_night,
)

LINES, FREQUENCY, PARTITIONS = 300, 20, 2


@dataclass(frozen=True, kw_only=True)
class Left:
    """What a night leaves, without the numbers that differ from night to night."""

    outputs: dict[str, Any]
    adjudicated: dict[tuple[str, int], dict[str, Any]]
    rejected: dict[str, tuple[int, str]]
    accumulators: dict[tuple[str, int, str], str]
    images: list[tuple[Any, ...]]
    files: list[tuple[Any, ...]]
    priced: int
    headers: list[tuple[Any, ...]]
    counts: list[tuple[Any, ...]]


def ready() -> Region:
    """A region with the lines staged."""
    region = new_region()
    with TemporaryDirectory() as folder:
        generate(Path(folder), lines=LINES, seed=7, run_date=RUN_DATE)
        load(Path(folder), region)
    return region


def undisturbed() -> Left:
    """By a night of this process, in the databases of the test; the first one's answer serves the others."""
    return _undisturbed()


@cache
def _undisturbed() -> Left:
    return left_by(short_night(ready()))


def short_night(region: Region) -> Run:
    """Begun or continued, with many checkpoints."""
    return run_night(region, partitions=PARTITIONS, frequency=FREQUENCY)


def left_by(run: Run) -> Left:
    assert run.status == RunStatus.COMPLETE, run.detail
    night = night_of(run)
    begin, end = span(night.pk)
    images = BeforeImage.objects.filter(id__gte=begin, id__lt=end).order_by("id")
    names = ("output", "partition", "number", "records")
    return Left(
        outputs=outputs_of(run),
        adjudicated=adjudicated_of(run),
        rejected=rejected_of(run),
        accumulators=accumulators_of(run),
        images=[
            (n - begin, *rest)
            for n, *rest in images.values_list(
                "id", "member_id", "benefit_year", "checkpoint_number", "before", "after"
            )
        ],
        files=list(OutputFile.objects.filter(night=night).order_by(*names).values_list(*names)),
        priced=PricedClaim.objects.filter(seq__gte=begin, seq__lt=end).count(),
        headers=list(Remittance.objects.filter(night=night).values_list("provider_npi", "claims", "lines", "paid")),
        counts=list(
            StepPart.objects.filter(step__chain=run.chain)
            .order_by("step__sequence", "partition")
            .values_list("step__name", "partition", "checkpoint_number", "read", "totals")
        ),
    )


def assert_undisturbed(run: Run) -> None:
    """Nothing tells the night from one that went through."""
    found, right = left_by(run), undisturbed()
    for name in Left.__dataclass_fields__:
        assert getattr(found, name) == getattr(right, name), name
    assert_no_file_is_left_over(night_of(run))


def assert_no_file_is_left_over(night: Night) -> None:
    vouched = set(OutputFile.objects.filter(night=night).values_list("name", flat=True))
    assert set(on_disk(night)) == vouched


def on_disk(night: Night) -> Iterator[str]:
    for output in ("extract", "decisions", "valid", "reject", "enriched", "audit", "remittance"):
        yield from files.listed(night, output)


def forget_the_worker() -> None:
    """As if its heartbeat had been missed for an hour."""
    StepPart.objects.update(heartbeat_at=timezone.now() - timedelta(hours=1))
    Run.objects.update(created_at=timezone.now() - timedelta(hours=1))
