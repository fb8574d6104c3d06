"""The two commands of claim files: two at once do the work once, and what thirty hours without them left is made up."""

import os
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
import time_machine
from django.core.management import call_command
from django.utils import timezone
from pytest_django import Settings
from redis import Redis

from backoffice.runs.models import Run
from backoffice.runs.report import run_report
from backoffice.sandbox.clearinghouse import Account, ClearinghouseServer
from billing.models import Claim, ClaimEvent, Document, Payment
from regions.models import Region
from tests.billing.answered import paid, payment, send, status, syntax
from tests.booking.crowd import crowd
from tests.factories import RegionFactory
from tests.running import start
from tests.sftp.world import PASSWORD, USER

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
LIST, PROCESS = "list_claim_files", "process_claim_files"
STATUS = status("B905-1", [("A1", "A2:20")])
# In the order of the process, one every ten hours.
ANSWERS = (("a.999", syntax("A")), ("b.277", STATUS), ("c.835", payment("T", paid("A1"), total=130)))
PAUSE = timedelta(hours=30)


@pytest.fixture
def clearinghouse(tmp_path: Path) -> Iterator[ClearinghouseServer]:
    account = Account(user=USER, password=PASSWORD)
    with ClearinghouseServer(tmp_path / "clearinghouse", account=account, sweeping=False) as server:
        yield server


@pytest.fixture
def north(clearinghouse: ClearinghouseServer, transactional_db: None, queue: Redis, settings: Settings) -> Region:
    """One claim was sent, and its three answers lie in the mailbox."""
    settings.SFTP_LOOK_SECONDS = 0.2
    told = {**clearinghouse.region_file()["clearinghouse"], "sender": "NIGHTWARD", "timeout": 5}
    region = RegionFactory.create(name="north", clearinghouse=told, env_vars={"SFTP_PASSWORD": PASSWORD})
    send(region, ["A1"])
    for hours, (name, content) in enumerate(ANSWERS):
        path = clearinghouse.desk.outbound / name
        path.write_bytes(content)
        os.utime(path, (time.time() + 36_000 * hours,) * 2)
    return region


def run_here(command: str) -> None:
    call_command(command, "--region", "north", "--wait", stdout=StringIO())


def twice(command: str) -> None:
    """In two processes that begin together: one of them may be told that the other is at it."""

    def act() -> str:
        run_here(command)
        return "done"

    answers = crowd(2, 1, act)
    assert all(word == "done" or "already" in word for word in answers), answers
    assert answers["done"] >= 1


def outcomes(job: str) -> "Counter[str]":
    """Of all runs of the job together."""
    return sum((Counter(run_report(run)["outcomes"]) for run in Run.objects.filter(job=job)), Counter())


def received() -> list[str]:
    rows = Document.objects.filter(direction="received").order_by("name")
    return [f"{row.name} {row.state}" for row in rows]


def test_two_at_once_do_the_work_once(north: Region) -> None:
    """[S3-11] [X-18] Each file is fetched once, and moves the claim once."""
    twice(LIST)
    assert received() == ["a.999 new", "b.277 new", "c.835 new"]
    assert outcomes(LIST)["stored"] == 3
    twice(PROCESS)
    assert received() == ["a.999 read", "b.277 read", "c.835 read"]
    claim = Claim.objects.get()
    assert (claim.state, claim.paid) == ("paid", 130)
    assert Payment.objects.count() == 1
    states = list(ClaimEvent.objects.exclude(state="").values_list("state", flat=True))
    assert len(states) == len(set(states)), states


def test_thirty_hours_without_them_are_made_up(north: Region) -> None:
    """[S3-11] [X-18] One was killed as they began: it holds nothing up. All that came
    meanwhile is read by one run of each."""
    start(LIST, north)
    with time_machine.travel(timezone.now() + PAUSE, tick=True):
        for command in (LIST, PROCESS):
            run_here(command)
        assert received() == ["a.999 read", "b.277 read", "c.835 read"]
        assert (Claim.objects.get().state, Claim.objects.get().paid) == ("paid", 130)
        before = ClaimEvent.objects.count()
        for command in (LIST, PROCESS):
            run_here(command)
    assert (outcomes(LIST)["stored"], outcomes(LIST)["known"]) == (3, 3)
    assert ClaimEvent.objects.count() == before
