"""Members compare byte by byte wherever they are stored, whatever the language of the database."""

import pytest
from django.db import connection

from claims.models import Accumulator
from claims.pipeline import accumulators
from tests.claims.folders import new_region

pytestmark = pytest.mark.django_db(transaction=True)

IN_ORDER = ["1", "A", "Z", "_", "a", "z", "é"]


def test_the_accumulators_of_a_range_of_members_are_those_between_them_byte_by_byte() -> None:
    """S2-27: a block's members are read as one range; one that a language sorts elsewhere would begin at nothing."""
    region = new_region()
    for member in IN_ORDER:
        Accumulator.objects.create(region_id=region.pk, member_id=member, benefit_year=2024, fields="{}")
    for members in (["A", "a"], ["a", "A"]):
        found = accumulators.stored_in_a_row(region.pk, members, partitions=1)
        assert sorted(member for member, _ in found) == ["A", "Z", "_", "a"]
    assert {member for member, _ in accumulators.stored_in_a_row(region.pk, ["A", "a"], partitions=2)} == {"A", "a"}
    assert list(Accumulator.objects.order_by("member_id").values_list("member_id", flat=True)) == IN_ORDER


def test_the_tables_say_so_themselves_on_postgresql() -> None:
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, collation_name FROM information_schema.columns WHERE column_name = 'member_id'"
            " AND table_name IN ('claims_stagedline', 'claims_pricedclaim', 'claims_adjudicatedclaim',"
            " 'claims_beforeimage', 'claims_accumulator')"
        )
        assert sorted(cursor.fetchall()) == [
            ("claims_accumulator", "C"), ("claims_adjudicatedclaim", "C"), ("claims_beforeimage", "C"),
            ("claims_pricedclaim", "C"), ("claims_stagedline", "C"),
        ]  # fmt: skip
