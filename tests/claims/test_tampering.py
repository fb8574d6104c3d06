"""What changed after its step was verified fails the step that reads it, which names the output and both figures."""

import re
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from django.db import connection

from backoffice.runs import kernel
from backoffice.runs.job import Job
from backoffice.runs.kernel import work
from backoffice.runs.models import Run, RunStatus, StepPart
from backoffice.runs.state import waiting_parts
from claims.models import AdjudicatedClaim, Night, OutputFile, PricedClaim, StepSetting
from claims.pipeline import bulk, files
from claims.pipeline.numbers import span
from tests.claims.folders import RUN_DATE, night_of
from tests.claims.undisturbed import FREQUENCY, PARTITIONS, assert_undisturbed, ready, short_night, undisturbed
from tests.running import go_on, start

pytestmark = pytest.mark.django_db(transaction=True)

Spoil = Callable[[Night], None]


def night_spoilt_before(step: str, spoil: Spoil) -> Run:
    """A night in which something happens between the end of one step and the beginning of the next."""
    undisturbed()
    StepSetting.objects.update(commit_frequency=FREQUENCY)
    parameters = {"run_date": RUN_DATE.isoformat(), "partitions": PARTITIONS}
    run = start("run_pipeline", ready(), **parameters)
    clean = True
    while part := waiting_parts().filter(run=run).first():
        if part.step.name == step and clean:
            spoil(night_of(run))
            clean = False
        work(part.pk)
    run.refresh_from_db()
    return run


def of_file(output: str, change: Callable[[pl.DataFrame], pl.DataFrame]) -> Spoil:
    """The second file of the output is written anew."""

    def spoil(night: Night) -> None:
        row = OutputFile.objects.filter(night=night, output=output, number__gte=2, records__gt=0).earliest("pk")
        change(files.load(row)).write_parquet(files.storage().path(row.name))

    return spoil


def of_table(model: Any, statement: str) -> Spoil:
    """Something is done to the last row of the night."""

    def spoil(night: Night) -> None:
        begin, end = span(night.pk)
        seq = model.objects.filter(seq__gte=begin, seq__lt=end, denial=0).latest("seq").seq
        with connection.cursor() as cursor:
            cursor.execute(statement.format(table=bulk.table_of(model, night)) + f" WHERE seq = {seq}")

    return spoil


def first_row(**values: Any) -> Callable[[pl.DataFrame], pl.DataFrame]:
    def changed(frame: pl.DataFrame) -> pl.DataFrame:
        first = pl.int_range(pl.len()) == 0
        return frame.with_columns(
            pl.when(first).then(pl.lit(value, dtype=frame.schema[name])).otherwise(pl.col(name)).alias(name)
            for name, value in values.items()
        )

    return changed


def one_less(frame: pl.DataFrame) -> pl.DataFrame:
    return frame[1:]


PAID_LESS = "UPDATE {table} SET paid = paid - 5, copay = copay + 5"
# Seen by the step's own output, and seen only by what it has read.
COUNT, BILLED = r"{} has [\d,]+ records, [a-z ]+ has [\d,]+\.$", r"{} has [\d,]+ cents billed, [a-z ]+ has [\d,]+\.$"
CHANGED = r" expected, [\d,]+ found, [+-][\d,]+\. It changed after it was verified: restart from [a-z]+\.$"
CENTS, HASH = r"{}: [\d,]+ cents" + CHANGED, r"{}: [\d,]+ as the hash of the records" + CHANGED
CASES = [
    ("extract", "validate", of_file("extract", first_row(procedure_code="10001")), HASH),
    ("extract", "validate", of_file("extract", first_row(billed="1234.56")), BILLED),
    ("extract", "validate", of_file("extract", one_less), COUNT),
    ("valid", "enrich", of_file("valid", first_row(units=99)), HASH),
    ("valid", "enrich", of_file("valid", one_less), COUNT),
    ("enriched", "price", of_file("enriched", first_row(procedure_code="10003")), HASH),
    ("enriched", "price", of_file("enriched", first_row(billed=1)), BILLED),
    ("priced", "adjudicate", of_table(PricedClaim, "UPDATE {table} SET allowed = allowed + 1"), CENTS),
    ("priced", "adjudicate", of_table(PricedClaim, "UPDATE {table} SET method = 1 + method % 3"), HASH),
    ("priced", "adjudicate", of_table(PricedClaim, "UPDATE {table} SET provider_npi = '1000000001'"), HASH),
    ("priced", "adjudicate", of_table(PricedClaim, "DELETE FROM {table}"), COUNT),
    ("adjudicated", "remit", of_table(AdjudicatedClaim, "UPDATE {table} SET category = 'OTHER'"), HASH),
    ("adjudicated", "remit", of_table(AdjudicatedClaim, PAID_LESS), CENTS),
    ("adjudicated", "remit", of_table(AdjudicatedClaim, "DELETE FROM {table}"), COUNT),
]  # fmt: skip
WRITES = {
    "extract": "extract",
    "valid": "validate",
    "enriched": "enrich",
    "priced": "price",
    "adjudicated": "adjudicate",
}


@pytest.mark.slow
@pytest.mark.parametrize(("output", "reader", "spoil", "said"), CASES)
def test_the_step_that_reads_it_fails_until_it_was_written_anew(
    output: str, reader: str, spoil: Spoil, said: str
) -> None:
    """S2-25, X-12, X-13"""
    run = night_spoilt_before(reader, spoil)
    for attempt in (run, go_on(run)):
        assert (attempt.status, attempt.reason) == (RunStatus.FAILED, "out_of_balance")
        assert re.match(said.format(output), attempt.detail), attempt.detail
        assert StepPart.objects.filter(step__chain=run.chain, step__name=reader, step__status="failed").exists()
    assert_undisturbed(go_on(run, from_step=WRITES[output]))


@pytest.mark.slow
def test_what_changed_while_the_step_that_reads_it_lay_still_fails_it_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """S2-25: what it had read before counts on."""
    undisturbed()
    commit, calls = kernel._commit, 0

    def fail_in_the_middle(part: StepPart, job: Job, *rest: Any) -> None:
        nonlocal calls
        calls += part.step.name == "adjudicate"
        if calls == 4:
            raise RuntimeError
        commit(part, job, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(kernel, "_commit", fail_in_the_middle)
        run = short_night(ready())
    assert run.status == RunStatus.ERRORED
    of_table(PricedClaim, "UPDATE {table} SET allowed = allowed + 1")(night_of(run))
    again = go_on(run)
    assert (again.status, again.reason) == (RunStatus.FAILED, "out_of_balance")
    assert re.match(CENTS.format("priced"), again.detail), again.detail
    assert_undisturbed(go_on(again, from_step="price"))


@pytest.mark.slow
def test_a_plan_that_does_not_pay_for_a_priced_category_any_more_is_named() -> None:
    """S2-28"""
    run = night_spoilt_before("adjudicate", of_table(PricedClaim, "UPDATE {table} SET category = 'OTHER'"))
    assert (run.status, run.reason) == (RunStatus.FAILED, "out_of_balance")
    assert re.match(r"priced: a line of plan PLAN\d has category OTHER", run.detail), run.detail
    assert_undisturbed(go_on(run, from_step="price"))
