"""Reference tables that change while a night is stopped: it is never of two minds, and says where to restart."""

from decimal import Decimal
from pathlib import Path

import pytest

from backoffice.runs.control import restart_run
from backoffice.runs.faults import ConfigError
from backoffice.runs.kernel import work
from backoffice.runs.models import Run, RunStatus
from backoffice.runs.state import waiting_parts
from claims.models import ContractTerms, Fee, PlanBenefit
from claims.pipeline import price
from regions.models import Region
from tests.claims.folders import (
    adjudicated_of,
    coverage,
    line,
    new_region,
    provider,
    run_night,
    small_world,
    staged,
    stopped_in,
)
from tests.running import go_on

pytestmark = pytest.mark.django_db(transaction=True)

# Members of both partitions, so that a step has two parts.
MEMBERS = ("M", "N", "O", "P", "Q", "R")
CLAIMS = [line(f"C{n}", member_id=member) for n, member in enumerate(MEMBERS)]
WORLD = small_world(claim_lines=CLAIMS, member_benefits=[coverage(member_id=member) for member in MEMBERS])


@pytest.fixture
def region(tmp_path: Path) -> Region:
    return staged(tmp_path, WORLD, new_region())


def allowed(run: Run) -> set[str]:
    return {found["allowed"] for found in adjudicated_of(run).values()}


@pytest.mark.slow
def test_a_fee_that_changed_between_two_parts_ends_the_restart_with_one_line(region: Region) -> None:
    """S2-14, S2-27: half of the lines would be priced by the old fee and half by the new one."""
    run = stopped_in("price", region)
    Fee.objects.filter(region=region).update(fee=Decimal("120.00"))
    again = go_on(run)
    assert (again.status, again.reason) == (RunStatus.FAILED, "configuration")
    assert again.detail == (
        "fee_schedule has changed since price looked it up. Restart from price, to use the new one for the whole night"
        " (--from-step price), or put the old one back and restart."
    )
    anew = go_on(again, from_step="price")
    assert anew.status == RunStatus.COMPLETE, anew.detail
    assert allowed(anew) == {"120.00"}


@pytest.mark.slow
def test_with_the_old_fee_put_back_the_night_goes_on(region: Region) -> None:
    """S2-14"""
    run = stopped_in("price", region)
    Fee.objects.filter(region=region).update(fee=Decimal("120.00"))
    refused = go_on(run)
    Fee.objects.filter(region=region).update(fee=Decimal("100.00"))
    again = go_on(refused)
    assert again.status == RunStatus.COMPLETE, again.detail
    assert allowed(again) == {"100.00"}


@pytest.mark.slow
def test_a_table_of_two_steps_is_one_table_to_both(region: Region) -> None:
    """S2-20: what enrich found covered, adjudication must not price by another edition of the plan."""
    run = stopped_in("price", region)
    PlanBenefit.objects.filter(region=region).update(copay=Decimal("30.00"))
    again = go_on(run)
    assert again.status == RunStatus.FAILED
    assert again.detail.startswith("plan_benefits has changed since enrich looked it up. Restart from enrich,")
    anew = go_on(again, from_step="enrich")
    assert {found["copay"] for found in adjudicated_of(anew).values()} == {"30.00"}


@pytest.mark.slow
def test_a_table_that_no_later_step_looks_up_may_change(region: Region) -> None:
    """S2-14"""
    run = stopped_in("adjudicate", region)
    Fee.objects.filter(region=region).update(fee=Decimal("120.00"))
    again = go_on(run)
    assert again.status == RunStatus.COMPLETE, again.detail
    assert allowed(again) == {"100.00"}


@pytest.mark.slow
def test_what_a_failed_step_lacked_is_loaded_and_the_step_restarted(tmp_path: Path) -> None:
    """The line that ends a night for want of terms says itself that the step begins anew."""
    lines = [*(line(f"C{n}") for n in range(1, 5)), line("C9", member_id="N", provider_npi="Q")]
    coverages = [coverage(), coverage(member_id="N")]
    providers = [provider("P"), provider("Q", contract_id="K2")]
    region = staged(tmp_path, small_world(claim_lines=lines, member_benefits=coverages, providers=providers))
    run = run_night(region, frequency=1)
    assert run.detail == "Contract K2 of provider Q has no terms. Load its contract_terms, restart from price."
    values = ContractTerms.objects.filter(region=region).values("fee_schedule_id", "multiplier_percent").get()
    ContractTerms.objects.create(region=region, contract_id="K2", percent_of_charge=Decimal(50), **values)
    refused = go_on(run)
    assert refused.detail.startswith("contract_terms has changed since price looked it up.")
    anew = go_on(refused, from_step="price")
    assert anew.status == RunStatus.COMPLETE, anew.detail
    assert allowed(anew) == {"100.00"}


def test_two_parts_that_opened_at_once_with_different_tables_do_not_complete_the_step(region: Region) -> None:
    """S2-25: neither saw the other's checkpoint when it opened; the step's end does."""
    run = stopped_in("enrich", region)
    again = restart_run(run, attended=True)
    while (part := waiting_parts().filter(run=again).first()) and part.step.name == "enrich":
        work(part.pk)
    one, other = waiting_parts().filter(run=again)
    with price.open_step(one) as opened:
        Fee.objects.filter(region=region).update(fee=Decimal("120.00"))
        work(other.pk)
        with pytest.raises(ConfigError, match="fee_schedule has changed since price looked it up"):
            price.check(opened)
