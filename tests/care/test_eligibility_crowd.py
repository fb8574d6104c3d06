"""Ten workers at once spend no more than the cap, and ask about nobody twice."""

import os
from typing import Any

import pytest

from clinic.care.models import EligibilityReport, EligibilitySpend
from regions.models import Region
from tests.booking.crowd import crowd
from tests.care.world import Peer, check, insured, outcomes

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
WORKERS, CAP = 10, 6


def test_ten_workers_keep_to_the_cap_and_ask_once(north: Region, peer: Peer, settings: Any) -> None:
    """[S3-01] [S3-04] Each checks two records that two others check as well."""
    settings.ELIGIBILITY_CALLS_PER_MONTH = CAP
    numbers = [insured(north, f"W{number}").pk for number in range(WORKERS)]

    def act() -> str:
        first = os.getpid() % WORKERS
        run = check(north, only=[numbers[first], numbers[(first + 1) % WORKERS]])
        return run.status

    said = crowd(WORKERS, 1, act)
    assert said.total() == WORKERS
    assert all(word == "complete" or "AlreadyRunning" in word for word in said)
    # Who was refused while another held the last calls for a moment is left to the next run: at least one has asked.
    assert 0 < peer.vendor.billed <= CAP
    assert_paid_for(north, peer)
    asked = peer.vendor.billed
    assert outcomes(check(north)) == found(processed=CAP - asked, already_reported=asked, capped=WORKERS - CAP)
    assert peer.vendor.billed == CAP
    assert_paid_for(north, peer)


def assert_paid_for(north: Region, peer: Peer) -> None:
    """Each call is a report of its own, and all that the region has spent."""
    spend = EligibilitySpend.objects.get(region=north)
    assert spend.calls == peer.vendor.billed == EligibilityReport.objects.filter(state="processed").count()


def found(**numbers: int) -> dict[str, int]:
    return {name: number for name, number in numbers.items() if number}
