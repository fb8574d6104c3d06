"""The Nebraska services that recovery writes become claims: each is claimed once or listed, to the cent."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db.models import Count, QuerySet

from backoffice.runs.models import RunStatus
from billing.content import claim_of
from billing.loading import load
from billing.making.standing import standing_for
from billing.models import Claim, Unclaimable
from claims.edi.rules import problems
from clinic.models import ServiceWrite, WriteState
from regions.models import Region
from tests.acceptance.nebraska import FOLDER, NEBRASKA_PARAMETERS
from tests.billing.world import claim_services, outcomes, total
from tests.running import finish, start

pytestmark = [pytest.mark.acceptance, pytest.mark.django_db(transaction=True)]


def recovered(region: Region, **parameters: Any) -> QuerySet[ServiceWrite]:
    run = start("recover_services", region, **NEBRASKA_PARAMETERS | parameters)
    assert finish(run).status == RunStatus.COMPLETE
    return ServiceWrite.objects.filter(region=region, state=WriteState.WRITTEN)


def billing_data(folder: Path) -> Path:
    """As the sandbox makes them up for this hospital, whose payers still take claims of twenty years ago."""
    call_command(
        "sandbox", "hospital", "--data", str(FOLDER), "--billing", str(folder), "--filing-days", "36600", "--seed", "1"
    )
    return folder


def assert_all_accounted_for(region: Region, writes: QuerySet[ServiceWrite]) -> None:
    claims, left = Claim.objects.filter(region=region), Unclaimable.objects.filter(region=region, closed_at=None)
    assert total(claims, "charge") + total(left, "at_stake") == total(writes, "value")
    assert set(claims.values_list("write", flat=True)).isdisjoint(left.values_list("write", flat=True))
    assert {*claims.values_list("write", flat=True), *left.values_list("write", flat=True)} == {
        write.pk for write in writes
    }
    assert not claims.values("write", "kind", "part").annotate(times=Count("pk")).filter(times__gt=1).exists()
    assert all(row.missing for row in left)
    assert {bool(claim.refused) for claim in claims.filter(state="draft")} <= {True}
    assert not claims.exclude(state__in=("draft", "validated")).exists()


@pytest.mark.slow
def test_a_year_of_recovered_services_is_claimed_or_listed_and_a_second_run_makes_nothing(
    nebraska: Region, tmp_path: Path
) -> None:
    """S3-13: what is validated passes every rule by itself as well."""
    writes = recovered(nebraska, **{"from": "2018-01-01", "to": "2019-01-01", "window": 31})
    load(billing_data(tmp_path), nebraska)
    run = claim_services(nebraska)
    assert outcomes(run)["claimed"] + outcomes(run)["unclaimable"] == writes.count()
    assert_all_accounted_for(nebraska, writes)
    valid = [claim_of(claim.content) for claim in Claim.objects.filter(state="validated")]
    standing = standing_for(nebraska, [])
    payers = standing_for(nebraska, valid).payers
    for claim in valid:
        assert problems(claim, type(standing)(today=standing.today, payers=payers)) == []
    before = list(Claim.objects.order_by("pk").values("control", "state", "changed_at", "refused"))
    again = outcomes(claim_services(nebraska))
    assert set(again) <= {"unclaimable", "refused"}
    assert list(Claim.objects.order_by("pk").values("control", "state", "changed_at", "refused")) == before


@pytest.mark.slow
def test_all_recovered_services_are_claimed_or_listed_to_the_cent(nebraska: Region, tmp_path: Path) -> None:
    """5,299 services; refused are those of a payer that the hospital is not enrolled with, and services done twice."""
    writes = recovered(nebraska, window=366)
    assert sum(writes.values_list("service_count", flat=True)) == 5_299
    load(billing_data(tmp_path), nebraska)
    claim_services(nebraska, chunk=1_000)
    assert_all_accounted_for(nebraska, writes)
    refused = Counter(code for claim in Claim.objects.filter(state="draft") for code, _ in claim.refused)
    lacking = Counter(what for row in Unclaimable.objects.all() for what, _ in row.missing)
    assert set(refused) <= {"payer", "duplicate_service"}
    assert set(lacking) >= {"patient", "patient.birth_date", "provider", "charge", "diagnosis"}
    assert Claim.objects.filter(state="validated").count() > 0.5 * Claim.objects.count()
