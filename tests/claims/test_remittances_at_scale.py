"""Fourteen thousand providers: header = sum of its lines = what was adjudicated, whenever the last step was killed."""

import signal
import sys
from pathlib import Path

import polars as pl
import pytest
from django.db.models import Count, Sum

from backoffice.runs.models import Run, RunStatus
from claims.models import AdjudicatedClaim, Night, Remittance
from claims.pipeline import files
from claims.pipeline.generate import generate
from claims.pipeline.load import load
from claims.pipeline.numbers import span
from regions.models import Region
from tests.claims.folders import RUN_DATE, new_region, night_of, outputs_of, run_night
from tests.claims.undisturbed import assert_no_file_is_left_over, forget_the_worker
from tests.processes import Processes

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

KILLS = [
    ("backoffice.runs.kernel:_commit", "before", "9", "remit"),
    ("backoffice.runs.kernel:write_failures", "after", "3", "remit"),
    ("claims.pipeline.remit:headers", "after", "1"),
    ("claims.pipeline.frames:write", "after", "1"),  # the headers are in their table, in a transaction that is lost
    ("backoffice.runs.kernel:_commit", "after", "1", "remit"),
]
Header = tuple[int, int, int, int]  # claims, lines, cents billed, cents paid


@pytest.fixture
def region(tmp_path: Path) -> Region:
    generate(tmp_path, lines=150_000, providers=15_000, seed=11, run_date=RUN_DATE)
    region = new_region()
    load(tmp_path, region)
    return region


def test_every_header_is_the_sum_of_its_lines_and_of_what_was_adjudicated_after_any_kill(
    region: Region, processes: Processes
) -> None:
    """S2-23, S2-24, S2-43"""
    for kill in KILLS:
        child = processes.start(sys.executable, "-m", "tests.claims.dying", region.name, "2", *kill)
        assert child.ends(within=300) == -signal.SIGKILL, child.output
        assert Run.objects.filter(region=region).latest("attempt").status == RunStatus.RUNNING
        forget_the_worker()
    run = run_night(region, partitions=2)
    assert (run.status, run.attempt) == (RunStatus.COMPLETE, len(KILLS) + 1)
    night = night_of(run)
    written = headers(night)
    assert len(written) >= 14_000
    assert written == of_lines(night) == of_adjudicated(night)
    verified = outputs_of(run)["adjudicate"]["adjudicated"]
    _, lines, billed, paid = (sum(column) for column in zip(*written.values(), strict=True))
    assert (lines, billed, paid) == (verified["count"], verified["billed"], verified["cents"])
    assert_no_file_is_left_over(night)


def headers(night: Night) -> dict[str, Header]:
    rows = Remittance.objects.filter(night=night).values_list("provider_npi", "claims", "lines", "billed", "paid")
    return {npi: (claims, lines, billed, paid) for npi, claims, lines, billed, paid in rows}


def of_lines(night: Night) -> dict[str, Header]:
    lines = pl.concat(files.load(row) for row in files.of_output(night, "remittance"))
    sums = lines.group_by("provider_npi").agg(
        pl.col("claim_id").n_unique(), pl.len(), pl.col("billed").sum(), pl.col("paid").sum()
    )
    return {npi: (claims, count, billed, paid) for npi, claims, count, billed, paid in sums.iter_rows()}


def of_adjudicated(night: Night) -> dict[str, Header]:
    begin, end = span(night.pk)
    sums = AdjudicatedClaim.objects.filter(seq__gte=begin, seq__lt=end).values_list("provider_npi")
    rows = sums.annotate(Count("claim_id", distinct=True), Count("seq"), Sum("billed"), Sum("paid"))
    return {npi: (claims, lines, billed, paid) for npi, claims, lines, billed, paid in rows}
