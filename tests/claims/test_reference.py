"""Any night comes out as the claim-at-a-time reference has it, however it is cut into partitions and checkpoints."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backoffice.runs.models import Run, RunStatus
from claims.pipeline import export
from tests.claims import reference
from tests.claims.folders import (
    RUN_DATE,
    accumulators_of,
    adjudicated_of,
    night_of,
    read_folder,
    rejected_of,
    run_night,
    staged,
)
from tests.claims.strategies import tables
from tests.needs import DATA

pytestmark = pytest.mark.django_db(transaction=True)

MONEY = ("billed", "allowed", "copay", "deductible", "coinsurance", "paid")
SLOWLY = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
cuts = {"partitions": st.integers(1, 4), "frequency": st.integers(1, 50)}


def assert_as_the_reference(run: Run, right: reference.Answer) -> None:
    assert rejected_of(run) == right.rejected
    assert adjudicated_of(run) == {key: spelled(key, found) for key, found in right.adjudicated.items()}
    assert {key: Decimal(value) for key, value in accumulators_of(run).items()} == right.accumulators
    assert_remitted(run, right)


def spelled(key: reference.Key, found: Mapping[str, Any]) -> dict[str, str]:
    """As adjudicated.csv has it."""
    return {
        "claim_id": key[0], "line_number": str(key[1]), "member_id": found["member_id"],
        "provider_npi": found["provider_npi"], "status": "DENIED" if found["denial"] else "PAID",
        "denial_code": found["denial"], "pricing_method": found["method"],
        **{name: f"{found[name]:.2f}" for name in MONEY},
    }  # fmt: skip


def assert_remitted(run: Run, right: reference.Answer) -> None:
    headers = {npi: (claims, lines, Decimal(paid)) for npi, claims, lines, _, paid in export.headers(night_of(run))}
    assert headers == {npi: (r["claims"], r["lines"], r["paid"]) for npi, r in right.remittances.items()}
    found: dict[str, dict[reference.Key, list[tuple[str, str, Decimal]]]] = {}
    for npi, rows in export.advices(night_of(run)):
        for claim, number, _, _, group, reason, cents in rows:
            adjustments = found.setdefault(npi, {}).setdefault((claim, number), [])
            if group:
                adjustments.append((group, str(reason), Decimal(cents)))
    assert found == {npi: remittance["adjustments"] for npi, remittance in right.remittances.items()}


def compare(day: dict[str, list[dict[str, str]]], partitions: int, frequency: int) -> None:
    with TemporaryDirectory() as folder:
        region = staged(Path(folder), day)
    run = run_night(region, partitions=partitions, frequency=frequency)
    assert run.status == RunStatus.COMPLETE, run.detail
    assert_as_the_reference(run, reference.night(day, RUN_DATE))


@pytest.mark.slow
@settings(SLOWLY, max_examples=12)
@given(day=tables(), **cuts)
def test_a_night_is_what_the_reference_says_to_the_cent(
    day: dict[str, list[dict[str, str]]], partitions: int, frequency: int
) -> None:
    """S2-19, S2-22, S2-27, S2-35, X-13"""
    compare(day, partitions, frequency)


@pytest.mark.slow
@settings(SLOWLY, max_examples=300)
@given(day=tables(most_claims=60), **cuts)
def test_many_nights_are_what_the_reference_says_to_the_cent(
    day: dict[str, list[dict[str, str]]], partitions: int, frequency: int
) -> None:
    """S2-19, S2-22, S2-27, S2-35, X-13"""
    compare(day, partitions, frequency)


@pytest.mark.slow
@pytest.mark.acceptance
def test_the_reference_itself_gives_the_expected_answer_for_nebraska() -> None:
    folder = DATA / "claims-nebraska"
    right, expected = reference.night(read_folder(folder), RUN_DATE), read_folder(folder / "expected")
    assert {row["claim_id"]: (int(row["line_number"]), row["reason"]) for row in expected["rejected"]} == right.rejected
    assert expected["adjudicated"] == [spelled(key, found) for key, found in sorted(right.adjudicated.items())]
    assert right.accumulators == {
        (row["member_id"], int(row["benefit_year"]), row["field_name"]): Decimal(row["value"])
        for row in expected["accumulators"]
    }
