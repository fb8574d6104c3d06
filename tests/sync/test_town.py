"""A whole town: every form of a phone and every kind of patient, on our own server and on one that others wrote.

Each row has its outcome, each patient the telecom that the rows come to, and nothing else in any resource is changed.
"""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from backoffice.runs.models import RunStatus
from backoffice.runs.report import run_report
from regions.jobs import only_failed
from tests.fhir.proxy import Proxy
from tests.sheets.world import xlsx_statuses
from tests.sync import peers
from tests.sync.proof import OPEN, check_patients, check_rows, check_statuses, check_writes, outcomes_of
from tests.sync.town import town_of
from tests.sync.world import STATUS_COLUMN, sync

SMALL, WHOLE = 400, 10_000
ROUNDS = 2
# How often a request, or a searchset, meets each: some rows of a run fail of it, and are synced again.
BAD = {
    "http429": 0.04,
    "html": 0.04,
    "drop": 0.04,
    "drop_after": 0.04,
    "no_total": 0.3,
    "bad_next": 0.005,
    "next_loop": 0.005,
}
ON_SEKMET = [pytest.mark.sekmet, pytest.mark.slow]
PEERS = [
    pytest.param(peers.sandbox, SMALL, id="a small one"),
    pytest.param(peers.sandbox, WHOLE, id="10,000 rows", marks=pytest.mark.slow),
    pytest.param(peers.open_sekmet, WHOLE, id="10,000 rows on Sekmet", marks=ON_SEKMET),
    pytest.param(peers.guarded_sekmet, WHOLE, id="10,000 rows on Sekmet with tokens", marks=ON_SEKMET),
]
pytestmark = pytest.mark.django_db(transaction=True)
Served = AbstractContextManager[peers.Peer]


@pytest.mark.parametrize(("served", "rows"), PEERS)
def test_each_row_and_each_patient_is_what_it_was_to_become(
    served: Any, rows: int, tmp_path: Path, queue: "Redis"
) -> None:
    """S1-07, S1-13, S1-14, S1-15, S1-21, S1-29, X-03, X-04, X-05, X-06, X-07, X-09"""
    town = town_of(rows)
    with served(town) as peer:
        region = peers.region_of(town, peer, tmp_path)
        run = sync(region)
        assert (run.status, run.detail) == (RunStatus.COMPLETE, "")
        check_rows(town, outcomes_of(run))
        check_patients(town, peer.everybody())
    check_writes()
    check_statuses(town, xlsx_statuses(tmp_path / "purbalingga.xlsx", STATUS_COLUMN))
    report = run_report(run)
    assert report["totals"]["successful_updates"] == town.updates
    calls = sum(report["calls"][kind] for kind in ("fhir_lookup_batch", "fhir_write_batch"))
    assert calls <= 3 * -(-len(town.rows) // 100)


@pytest.mark.slow
@pytest.mark.parametrize(("served", "rows"), PEERS)
def test_over_a_bad_line_they_come_to_the_same_when_what_failed_is_synced_again(
    served: Any, rows: int, tmp_path: Path, queue: "Redis"
) -> None:
    """S1-19, X-06, X-08: refused, broken off, hung up on and lied to; nothing is written twice.

    The last round is over a good line, since any look-up may meet a bad next link once more.
    """
    town = town_of(rows)
    with served(town) as peer, Proxy(peer.url) as line:
        for kind, rate in BAD.items():
            line.faults.set(kind, rate)
        region = peers.region_of(town, peer, tmp_path, url=line.url)
        run = sync(region)
        found = outcomes_of(run)
        assert any(outcome in OPEN for outcome, _ in found.values())
        for left in range(ROUNDS, 0, -1):
            assert run.status == RunStatus.COMPLETE, run.detail
            if left == 1:
                line.faults.clear()
            run = sync(region, **only_failed(run))
            found |= outcomes_of(run)
        assert {"html", "drop_after"} <= line.faults.fired.keys()
        check_rows(town, found, tried_again=True)
        check_patients(town, peer.everybody())
    check_writes()
    check_statuses(town, xlsx_statuses(tmp_path / "purbalingga.xlsx", STATUS_COLUMN), tried_again=True)
