"""Each service is claimed once: by many at the same time, and by one that was killed and went on."""

import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import connection, connections
from django.utils import timezone
from pytest_django import Settings

from backoffice.runs.control import abandon_stale_runs
from backoffice.runs.models import LIVE, Run, RunStatus
from billing.making.keep import keep, made_of
from billing.making.sources import page
from billing.making.versions import replaced
from billing.models import Claim, ClaimEvent, ClaimLine, Unclaimable
from claims.edi.status import State
from clinic.models import ServiceWrite
from regions.models import Region
from tests.billing.world import claim_services, new_region, service_write, total
from tests.processes import Processes, Running, until

pytestmark = pytest.mark.django_db(transaction=True)
QUICK_DEATH = {"RUN_HEARTBEAT_SECONDS": "0.2", "RUN_STALE_SECONDS": "1"}


@pytest.fixture
def region(tmp_path: Path) -> Region:
    return new_region(tmp_path)


def many(region: Region, visits: int) -> Decimal:
    """Visits of one patient on as many days, one in ten unclaimable; what they come to."""
    for number in range(visits):
        block = ("NONE", 1, "5.00") if number % 10 == 0 else ("R", 2, "1.11")
        start = timezone.now() - timedelta(days=2 + number)
        service_write(region, ("V", 1, f"{number % 90}.33"), block, start=start)
    return total(ServiceWrite.objects.filter(region=region), "value")


def assert_once(region: Region, worth: Decimal) -> None:
    """No service has two claims of a kind, none is lost, and the money is all there."""
    keys = Claim.objects.filter(region=region).values_list("write", "kind", "part")
    assert [key for key, times in Counter(keys).items() if times > 1] == []
    controls = list(ClaimLine.objects.values_list("control", flat=True))
    assert len(set(controls)) == len(controls)
    left = Unclaimable.objects.filter(region=region, closed_at=None)
    assert total(Claim.objects.filter(region=region), "charge") + total(left, "at_stake") == worth
    assert ClaimEvent.objects.filter(key="draft").count() == Claim.objects.count()


def test_eight_at_the_same_time_make_no_second_claim(region: Region) -> None:
    """Each has read everything as unclaimed before the first one writes."""
    worth = many(region, 60)
    made = made_of(region, page(region, "write", 0, 100))

    def write(_: int) -> int:
        try:
            return keep(region, made)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        kept = list(pool.map(write, range(8)))
    assert max(kept) == 60
    assert_once(region, worth)
    assert Claim.objects.count() == 54 * 2


def test_eight_that_replace_a_claim_at_the_same_time_make_one_version(region: Region) -> None:
    service_write(region, ("V", 1, "85.45"))
    claim_services(region)
    claim = Claim.objects.get()
    ClaimEvent.objects.create(claim=claim, key="paid", state=State.PAID)
    Claim.objects.update(state=State.PAID, payer_claim="PAYER77")

    def replace(_: int) -> str:
        try:
            return replaced(claim, "7").control
        except Exception as error:
            return type(error).__name__
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        came = Counter(pool.map(replace, range(8)))
    assert came.pop("Misuse") == 7
    assert list(came.values()) == [1]
    assert Claim.objects.count() == 2


@pytest.mark.slow
def test_eight_processes_of_which_one_runs(region: Region, processes: Processes) -> None:
    worth = many(region, 100)
    running = [processes.manage("claim_services", "--region", region.name, "--wait", "--chunk", "5") for _ in range(8)]
    ended = Counter(one.ends(within=300) for one in running)
    assert set(ended) <= {0, 75}, [one.output for one in running]
    assert ended[0] >= 1
    assert_once(region, worth)


@pytest.mark.slow
def test_killed_at_random_points_and_started_again_it_claims_each_service_once(
    region: Region, processes: Processes, settings: Settings
) -> None:
    """-9, as often as it takes to reach the end of both steps."""
    worth = many(region, 150)
    seed = time.time_ns()
    sys.stdout.write(f"seed {seed}\n")  # pytest shows it when the test fails
    dice = random.Random(seed)
    arguments = ("claim_services", "--region", region.name, "--wait", "--chunk", "5")
    settings.RUN_STALE_SECONDS = 1.0
    for _ in range(6):
        running = processes.manage(*arguments, **QUICK_DEATH)
        until(some_checkpoints_later(dice.randint(1, 25), running), within=120)
        running.signal(signal.SIGKILL)
        running.ends()
        until(lambda: abandon_stale_runs() or not Run.objects.filter(status__in=LIVE).exists())
    last = processes.manage(*arguments, **QUICK_DEATH)
    assert last.ends(within=300) == 0, last.output
    run = Run.objects.filter(job="claim_services").first()
    assert run is not None
    assert run.status == RunStatus.COMPLETE
    assert_once(region, worth)
    assert not Claim.objects.exclude(state=State.VALIDATED).exists()


def some_checkpoints_later(many: int, running: Running) -> Callable[[], bool]:
    """Whether that many have been committed since now, or the process has ended by itself."""
    goal = checkpoints() + many
    return lambda: checkpoints() >= goal or running.process.poll() is not None


def checkpoints() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(sum(checkpoint_number), 0) FROM runs_steppart")
        return int(cursor.fetchone()[0])
