"""A sync that is killed ten times and restarted: the town is what one run alone would have made of it."""

import itertools
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pytest_django import Settings
from redis import Redis

from backoffice.runs.control import abandon_stale_runs
from backoffice.runs.models import Run, RunStatus
from backoffice.runs.report import run_report
from backoffice.sandbox.http import Request
from tests.fhir.proxy import Proxy
from tests.processes import Processes, Running, until
from tests.sheets.world import xlsx_statuses
from tests.sync import peers
from tests.sync.proof import check_patients, check_rows, check_statuses, check_writes, outcomes_of
from tests.sync.town import town_of
from tests.sync.world import STATUS_COLUMN

pytestmark = pytest.mark.django_db(transaction=True)
QUICK_DEATH = {"RUN_HEARTBEAT_SECONDS": "0.1", "RUN_STALE_SECONDS": "0.5"}
COMMAND = ("sync_phones", "--region", "purbalingga", "--wait", "--json")


def killing_line(url: str, every: int, kills: int, running: Callable[[], Running]) -> Proxy:
    """A line that kills the sync at each `every`-th request, once before the server hears of it, then twice after."""
    line = Proxy(url)
    seen, killed = itertools.count(1), itertools.count()
    pass_on = line.pass_on

    def pass_on_or_kill(request: Request) -> httpx2.Response:
        number = next(killed) if not next(seen) % every else kills
        if number < kills and number % 3 == 0:
            running().signal(signal.SIGKILL)
        answer = pass_on(request)
        if number < kills and number % 3:
            running().signal(signal.SIGKILL)
        return answer

    line.pass_on = pass_on_or_kill  # type: ignore[method-assign]
    return line


@pytest.mark.parametrize(
    ("served", "rows", "kills"),
    [
        pytest.param(peers.sandbox, 500, 3, id="a small one, three times", marks=pytest.mark.slow),
        pytest.param(peers.sandbox, 10_000, 10, id="10,000 rows", marks=pytest.mark.slow),
        pytest.param(
            peers.guarded_sekmet, 10_000, 10, id="10,000 rows on Sekmet", marks=[pytest.mark.sekmet, pytest.mark.slow]
        ),
    ],
)
def test_every_change_is_made_and_counted_once_however_often_the_sync_is_killed(
    served: Any, rows: int, kills: int, tmp_path: Path, queue: "Redis", processes: Processes, settings: Settings
) -> None:
    """S1-06, S1-07, X-08: a safe restart; nothing is written twice, no row is lost, and the figures are one run's."""
    settings.RUN_STALE_SECONDS = 0.5
    town = town_of(rows)
    started: list[Running] = []
    requests = 2 * rows // 100  # at least
    with served(town) as peer, killing_line(peer.url, requests // (kills + 1), kills, lambda: started[-1]) as line:
        peers.region_of(town, peer, tmp_path, url=line.url)
        while True:
            started.append(processes.manage(*COMMAND, **QUICK_DEATH))
            if (status := started[-1].ends(within=300)) == 0:
                break
            assert status == -signal.SIGKILL, started[-1].output
            until(lambda: abandon_stale_runs() or not Run.objects.filter(status__in=("queued", "running")).exists())
        run = Run.objects.latest("pk")
        assert run.status == RunStatus.COMPLETE
        assert run.attempt == len(started) == kills + 1
        check_rows(town, outcomes_of(run))
        check_patients(town, peer.everybody())
    check_writes()
    check_statuses(town, xlsx_statuses(tmp_path / "purbalingga.xlsx", STATUS_COLUMN))
    totals = run_report(run)["totals"]
    assert totals["successful_updates"] == town.updates
    assert totals["batches_processed"] == -(-len(town.rows) // 100)
