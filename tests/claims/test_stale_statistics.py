"""A night is verified as quickly when the planner knows the tables as an earlier night has left them."""

from contextlib import closing
from uuid import uuid4

import pytest
from django.db import connection

from claims.models import Accumulator, Night
from claims.pipeline import accumulators, bulk
from claims.pipeline.numbers import span
from tests.claims.folders import RUN_DATE, new_region

pytestmark = pytest.mark.django_db  # in a transaction, whose end is the end of the settings

IMAGES = 30_000  # compared one by one with each other: over ten seconds


def test_the_images_of_a_night_are_not_compared_each_with_each() -> None:
    """S2-24: with statistics of the night before a nested loop over all images of the night, for each, is what the
    planner would take; the statement's limit ends it."""
    region = new_region()
    night = Night.objects.create(region=region, run_date=RUN_DATE, chain=uuid4(), partitions=1)
    Accumulator.objects.create(region_id=region.pk, member_id="3", benefit_year=2024, fields="after")
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < %s)"
            " INSERT INTO claims_beforeimage"
            " (id, member_id, benefit_year, checkpoint_number, before, after, first, last)"
            " SELECT %s + n, CAST(n / 3 AS text), 2024, 1, CASE WHEN n %% 3 > 0 THEN 'after' END, 'after', n, n"
            " FROM numbers",
            [IMAGES, span(night.pk)[0]],
        )
        if connection.vendor == "postgresql":
            for setting in ("enable_hashjoin = off", "enable_mergejoin = off", "statement_timeout = '5s'"):
                cursor.execute(f"SET LOCAL {setting}")
    assert accumulators.compared(night, region.pk) == (IMAGES // 3 + 1, IMAGES // 3)


def test_statistics_are_left_to_autovacuum_where_that_is_at_the_table() -> None:
    """A second of each restart's that met it: PostgreSQL ends an autovacuum that somebody waits for, after a second."""
    if connection.vendor != "postgresql":
        return
    with closing(connection.get_new_connection(connection.get_connection_params())) as autovacuum:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = '5s'")
        autovacuum.autocommit = False
        autovacuum.execute("LOCK TABLE claims_accumulator IN SHARE UPDATE EXCLUSIVE MODE")
        bulk.analyze("claims_accumulator")
