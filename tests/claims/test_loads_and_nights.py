"""A load and a night of a region take turns, whichever began first."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections

from backoffice.runs.control import AlreadyRunning
from backoffice.runs.faults import Misuse
from backoffice.runs.models import Run, RunStatus
from claims.models import StagedBatch
from claims.pipeline import accumulators, opening, turns
from claims.pipeline import load as loading
from claims.pipeline.load import load
from regions.models import Region
from tests.claims.folders import (
    RUN_DATE,
    adjudicated_of,
    line,
    new_region,
    plan,
    row,
    run_night,
    small_world,
    staged,
    terms,
    write_folder,
)
from tests.running import at_once, go_on, start

pytestmark = pytest.mark.django_db(transaction=True)
LATER = {
    "claim_lines": [line("C9", member_id="N")],
    "accumulators": [
        row("accumulators", member_id="M", benefit_year="2024", field_name=name, value="500.00")
        for name in ("deductible_met", "out_of_pocket_met")
    ],
}


@contextmanager
def load_under_way(folder: Path, region: Region, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """A load in another thread that has done all but to commit; the function lets it. It is over with the block."""
    opened, may_end = threading.Event(), threading.Event()
    said: list[Any] = []

    def held(*given: Any) -> None:
        opening.open_accumulators(*given)
        opened.set()
        may_end.wait(30)

    def in_a_thread() -> None:
        try:
            said.append(load(folder, region))
        finally:
            connections.close_all()

    with monkeypatch.context() as patch:
        patch.setattr(loading, "open_accumulators", held)
        thread = threading.Thread(target=in_a_thread)
        thread.start()
        assert opened.wait(30)
        try:
            yield may_end.set
        finally:
            may_end.set()
            thread.join(30)
    assert len(said) == 1


def after_the_load(begin: Callable[[], Run], folder: Path, region: Region, monkeypatch: pytest.MonkeyPatch) -> Run:
    """What is begun while the folder is being loaded is refused, and begun again when that is over; SQLite, which lets
    no second transaction begin, makes it wait."""
    monkeypatch.setattr(turns, "PATIENCE", "200ms")
    runs = Run.objects.count()
    with load_under_way(folder, region, monkeypatch) as commit:
        if not connection.features.has_select_for_update:
            threading.Timer(0.5, commit).start()
            return begin()
        with pytest.raises(Misuse, match=rf"^A load of {region.name} is under way\. Start when it has ended\.$"):
            begin()
        assert Run.objects.count() == runs
    return begin()


def assert_deductible_was_met_before(run: Run, region: Region) -> None:
    assert (run.status, adjudicated_of(run)["C1", 1]["paid"]) == (RunStatus.COMPLETE, "80.00")
    stands = '{"deductible_met":50000,"out_of_pocket_met":52000,"visits:OFFICE":1}'
    assert accumulators.stored(region.pk, ["M"]) == {("M", 2024): stands}


def test_a_night_does_not_begin_while_a_load_is_under_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """S2-19, S2-21: the load would open accumulators under step 5, and a restart would take them away again."""
    region = staged(tmp_path / "1", small_world(plans=[plan(deductible="500.00")]))
    folder = write_folder(tmp_path / "2", LATER)
    run = after_the_load(lambda: run_night(region), folder, region, monkeypatch)
    assert_deductible_was_met_before(run, region)


def test_nor_does_it_go_on_while_one_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """S2-19, S2-21"""
    region = staged(tmp_path / "1", small_world(plans=[plan(deductible="500.00")], contract_terms=[]))
    failed = run_night(region)
    folder = write_folder(tmp_path / "2", {**LATER, "contract_terms": [terms()]})
    run = after_the_load(lambda: go_on(failed), folder, region, monkeypatch)
    assert run.attempt == 2
    assert_deductible_was_met_before(run, region)


@pytest.mark.parametrize("job", turns.NIGHTS)
def test_nothing_is_loaded_while_nights_run_or_are_taken_back(tmp_path: Path, job: str) -> None:
    """S2-18, S2-21: what undoes a night puts accumulators back as well."""
    region = new_region()
    Run.objects.create(job=job, key="x", region=region, status=RunStatus.QUEUED)
    with pytest.raises(Misuse, match="is running or taken back"):
        load(write_folder(tmp_path, LATER), region)
    assert not StagedBatch.objects.exists()


def test_two_who_begin_a_night_at_once_begin_one_run(tmp_path: Path) -> None:
    """S2-12: each waits a moment for the other, who is no load."""
    region = staged(tmp_path, small_world())

    def begin() -> str:
        try:
            return str(start("run_pipeline", region, run_date=RUN_DATE.isoformat()).status)
        except AlreadyRunning:
            return "already running"

    assert at_once(begin, 4) == ["already running"] * 3 + ["queued"]
