"""What is not as the checkpoints counted it fails its step, which names the output and both figures."""

import re
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from django.db import connection

from backoffice.runs import kernel
from backoffice.runs.job import Job
from backoffice.runs.models import Run, RunStatus, StepPart
from claims.models import AdjudicatedClaim, OutputFile, PricedClaim
from claims.pipeline import files, verify
from claims.pipeline.night import Work
from tests.claims.undisturbed import assert_undisturbed, ready, short_night, undisturbed
from tests.running import go_on

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def spoilt(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Run]:
    """A night in which something happens to an output just before it is verified."""

    def night(output: str, spoil: Callable[[], object]) -> Run:
        undisturbed()
        expectations = verify.expectations

        def late(work: Work, name: str) -> Any:
            if name == output:
                spoil()
            return expectations(work, name)

        with monkeypatch.context() as patch:
            patch.setattr(verify, "expectations", late)
            return short_night(ready())

    return night


def change(records: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    row = second_file()
    records(files.load(row)).write_parquet(files.storage().path(row.name))


def second_file() -> OutputFile:
    return OutputFile.objects.filter(output="enriched", partition=0, number=2).latest("pk")


def cut_off() -> None:
    with open(files.storage().path(second_file().name), "r+b") as file:
        file.truncate(100)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        pytest.param(
            lambda: files.storage().delete(second_file().name),
            "enriched: 20 records expected in .*, 0 found",
            marks=pytest.mark.slow,
        ),
        pytest.param(cut_off, "enriched: 20 records expected in .*, 0 found", marks=pytest.mark.slow),
        pytest.param(lambda: change(lambda frame: frame[1:]), "enriched: 288 .* 287 found, -1", marks=pytest.mark.slow),
        pytest.param(
            lambda: change(lambda frame: pl.concat([frame, frame[:1]])),
            r"enriched: 288 .* 289 found, \+1",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            lambda: change(lambda frame: frame.with_columns(pl.col("billed") + 1)),
            r"enriched: [\d,]+ cents expected, [\d,]+ found, \+20",
            marks=pytest.mark.slow,
        ),
        (
            lambda: change(lambda frame: frame.with_columns(pl.col("plan_id").reverse())),
            r"enriched: [\d,]+ as the hash of the records expected, [\d,]+ found",
        ),
    ],
)
def test_a_file_that_is_not_what_was_written_is_named_with_both_figures(
    spoilt: Callable[..., Run], spoil: Callable[[], object], said: str
) -> None:
    """S2-25, X-12, X-13"""
    run = spoilt("enriched", spoil)
    assert (run.status, run.reason) == (RunStatus.FAILED, "out_of_balance")
    assert re.match(said, run.detail), run.detail
    assert_undisturbed(go_on(run, from_step="enrich"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "output", "change", "said"),
    [
        pytest.param(
            *(PricedClaim, "priced", "SET allowed = allowed + 1"),
            r"priced: [\d,]+ cents expected, [\d,]+ found, \+1",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            *(PricedClaim, "priced", "SET provider_npi = 'OTHER'"),
            r"priced: [\d,]+ as the hash .* expected, [\d,]+ found",
            marks=pytest.mark.slow,
        ),
        (AdjudicatedClaim, "adjudicated", "SET paid = paid - 5", r"adjudicated: [\d,]+ cents expected, .* -5\.$"),
    ],
)
def test_a_row_that_was_changed_is_found_and_its_table_named_with_both_figures(
    spoilt: Callable[..., Run], model: Any, output: str, change: str, said: str
) -> None:
    """S2-25, X-13"""

    def spoil() -> None:
        seq = model.objects.latest("seq").seq
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE {model._meta.db_table} {change} WHERE seq = {seq}")

    run = spoilt(output, spoil)
    assert (run.status, run.reason) == (RunStatus.FAILED, "out_of_balance")
    assert re.match(said, run.detail), run.detail


@pytest.mark.slow
def test_an_accumulator_that_does_not_stand_as_it_was_left_fails_the_step(spoilt: Callable[..., Run]) -> None:
    """S2-19, S2-25"""

    def spoil() -> None:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE claims_accumulator SET fields = '{}'")

    run = spoilt("adjudicated", spoil)
    assert (run.status, run.reason) == (RunStatus.FAILED, "out_of_balance")
    assert run.detail.startswith("accumulators: ")


@pytest.mark.slow
def test_a_restart_key_cut_to_the_claim_repeats_its_lines_and_verification_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """S2-26"""
    undisturbed()
    commit, calls = kernel._commit, 0

    def fail_in_the_middle(part: StepPart, job: Job, *rest: Any) -> None:
        nonlocal calls
        calls += part.step.name == "enrich"
        if calls == 4:
            raise RuntimeError
        commit(part, job, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(kernel, "_commit", fail_in_the_middle)
        run = short_night(ready())
    assert run.status == RunStatus.ERRORED
    after = vars(Work)["after"].fget

    def before_the_claim(work: Work) -> int:
        seq = int(after(work))
        valid = pl.concat(files.records(work.night, "valid"))
        claim = valid.filter(pl.col("seq") == seq)["claim_id"]
        lines = valid.filter(pl.col("claim_id").is_in(claim.implode()))["seq"].to_list()
        return min(lines, default=seq + 1) - 1

    with monkeypatch.context() as patch:
        patch.setattr(Work, "after", property(before_the_claim))
        again = go_on(run)
    assert (again.status, again.reason) == (RunStatus.FAILED, "out_of_balance")
    assert re.match(r"valid has 288 records, enriched has (289|29\d)\.", again.detail), again.detail
    assert_undisturbed(go_on(again, from_step="enrich"))
