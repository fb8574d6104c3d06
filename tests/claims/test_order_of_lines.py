"""A member's lines count in the order of service: priced lines that lie otherwise are adjudicated by nobody."""

from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from backoffice.runs.faults import OutOfBalance
from backoffice.runs.kernel import work
from backoffice.runs.models import RunStatus
from backoffice.runs.state import waiting_parts
from claims.models import Night, PricedClaim
from claims.pipeline import bulk
from claims.pipeline.adjudicate import in_order
from claims.pipeline.numbers import span
from tests.claims.folders import RUN_DATE, adjudicated_of, benefit, line, night_of, small_world, staged
from tests.running import go_on, start

Key = tuple[str, date, str, int]
KEYS = st.lists(
    st.tuples(st.sampled_from(["M", "N", "Ä"]), st.dates(date(2024, 1, 1), date(2024, 1, 3)),
              st.sampled_from(["C1", "C10", "C2"]), st.integers(1, 3)),
    min_size=1, max_size=6,
)  # fmt: skip


def block(keys: Sequence[Key]) -> pl.DataFrame:
    schema = {"member_id": pl.String, "service_date": pl.Date, "claim_id": pl.String, "line_number": pl.Int16}
    return pl.DataFrame(list(keys), schema=schema, orient="row").with_row_index("seq", offset=1)


def byte_by_byte(key: Key) -> tuple[bytes, date, bytes, int]:
    return key[0].encode(), key[1], key[2].encode(), key[3]


@given(KEYS, st.integers(0, 5))
def test_lines_pass_when_each_comes_after_the_one_before_and_not_otherwise(keys: list[Key], cut: int) -> None:
    """S2-27, X-13: also across two blocks, and each line once."""
    ascending = all(byte_by_byte(a) < byte_by_byte(b) for a, b in pairwise(keys))
    before = None
    try:
        for part in filter(None, (keys[:cut], keys[cut:])):
            before = in_order(block(part), before)
            assert [*map(str, before)] == [*map(str, part[-1])]
    except OutOfBalance:
        assert not ascending
    else:
        assert ascending


@pytest.mark.django_db(transaction=True)
def test_two_lines_that_changed_places_are_not_paid_until_they_were_priced_anew(tmp_path: Path) -> None:
    """S2-25, S2-27: one visit is covered; which of the two lines it is decides what is paid."""
    lines = [line("C1", units="1"), line("C2", units="3")]
    region = staged(tmp_path, small_world(plan_benefits=[benefit(visit_limit="1")], claim_lines=lines))
    run = start("run_pipeline", region, run_date=RUN_DATE.isoformat())
    while part := waiting_parts().filter(run=run).first():
        if part.step.name == "adjudicate":
            change_places(night_of(run))
        work(part.pk)
    run.refresh_from_db()
    assert (run.status, run.reason) == (RunStatus.FAILED, "out_of_balance")
    assert "does not come after the one before it by member" in run.detail
    assert "restart from price" in run.detail
    again = go_on(run, from_step="price")
    assert again.status == RunStatus.COMPLETE, again.detail
    status = {claim: row["status"] for (claim, _), row in adjudicated_of(again).items()}
    assert status == {"C1": "PAID", "C2": "DENIED"}


def change_places(night: Night) -> None:
    """Of the night's two priced lines."""
    first, second = PricedClaim.objects.filter(seq__gte=span(night.pk)[0]).order_by("seq")
    table = bulk.table_of(PricedClaim, night)
    with connection.cursor() as cursor:
        for old, new in ((first.seq, second.seq + 1), (second.seq, first.seq), (second.seq + 1, second.seq)):
            cursor.execute(f"UPDATE {table} SET seq = %s WHERE seq = %s", [new, old])
