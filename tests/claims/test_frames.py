"""Frames go into a table and come out as they were, and on SQLite in few statements, whatever other threads do."""

import polars as pl
import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from claims.models import BeforeImage
from claims.pipeline import bulk, frames

pytestmark = pytest.mark.django_db(transaction=True)
COLUMNS = ("id", "member_id", "benefit_year", "checkpoint_number", "before", "after", "first", "last")
SOURCE = f"FROM {BeforeImage._meta.db_table} ORDER BY id"
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)


def images(texts: list[tuple[str | None, str]]) -> pl.DataFrame:
    rows = [(at, "M", 2024, 1, before, after, at, -at) for at, (before, after) in enumerate(texts, 1)]
    return pl.DataFrame(rows, schema=bulk.schema_of(BeforeImage, COLUMNS), orient="row")


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(TEXTS | st.none(), TEXTS), max_size=30))
def test_any_text_comes_back_as_it_was_and_what_is_null_as_null(texts: list[tuple[str | None, str]]) -> None:
    BeforeImage.objects.all().delete()
    odd = [(None, "NULL"), ("(NULL)", ""), ("", 'a,b\n"c"\r\n\'\t\\N'), ("%s ?", r"\N"), ("é,", "\N{SNOWMAN}")]
    frame = images(odd + texts)
    frames.write(frame, BeforeImage)
    assert frames.read(SOURCE, [], frame.schema).rows() == frame.rows()
    assert pl.concat(frames.stream(SOURCE, [], frame.schema)).rows() == frame.rows()


def test_nothing_is_an_empty_frame_of_the_same_columns() -> None:
    schema = images([]).schema
    assert frames.read(SOURCE, [], schema).schema == schema
    assert frames.read(SOURCE, [], schema).is_empty()
    assert list(frames.stream(SOURCE, [], schema)) == []


def test_a_column_may_be_spelled_otherwise_than_it_is_called() -> None:
    frames.write(images([("1", "2")]), BeforeImage)
    schema = {"member_id": pl.String, "twice": pl.Int64}
    found = frames.read(SOURCE + " LIMIT %s", [1], schema, spelled={"twice": "first * 2"})
    assert found.rows() == [("M", 2)]


def test_sqlite_is_given_thousands_of_rows_by_one_statement() -> None:
    """Between two, the driver would wait 5 ms for a thread that computes: a night of executemany took twice as long."""
    if connection.vendor != "sqlite":
        return
    frame = images([(None, "{}")] * 20_000)
    connection.ensure_connection()
    said: list[str] = []
    connection.connection.set_trace_callback(said.append)
    try:
        frames.write(frame, BeforeImage)
        written = len(said)
        frames.read(SOURCE, [], frame.schema)
    finally:
        connection.connection.set_trace_callback(None)
    assert 0 < written <= 20
    assert len(said) - written == 1
