"""Accumulators in a database of their own, with which no common transaction exists, are as exact after a crash."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from pytest_django import Settings

from claims.models import Accumulator, AccumulatorFence, StepSetting
from claims.pipeline.load import FolderRefused
from tests.claims.folders import line, new_region, row, small_world, staged
from tests.claims.undisturbed import (
    FREQUENCY,
    PARTITIONS,
    assert_undisturbed,
    forget_the_worker,
    ready,
    short_night,
    undisturbed,
)
from tests.processes import Processes

pytestmark = pytest.mark.django_db(transaction=True)

COMMIT, WRITE = "backoffice.runs.kernel:_commit", "claims.pipeline.accumulators:write"
RESTORE = "claims.pipeline.accumulators:restore"
ALIAS = "accumulators"


@pytest.fixture
def elsewhere(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of the accumulators' own database, in which this process and its children have them."""
    undisturbed()
    path = tmp_path / "accumulators.sqlite3"
    options = {"transaction_mode": "IMMEDIATE", "timeout": 20}
    own = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path), "OPTIONS": options}
    both = {"default": dict(connections.settings["default"]), ALIAS: own}
    connections.settings[ALIAS] = connections.configure_settings(both)[ALIAS]
    connection = connections[ALIAS]
    # Django refuses databases that a test does not declare, and would empty a declared one as if it had every table.

    def connect_once(self: BaseDatabaseWrapper) -> None:
        if self.connection is None:
            self.connect()

    monkeypatch.setattr(type(connection), "ensure_connection", connect_once)  # in the threads that read ahead as well
    settings.ACCUMULATORS_DATABASE = ALIAS
    call_command("migrate", database=ALIAS, verbosity=0)
    yield f"sqlite:///{path}"
    connection.close()
    del connections[ALIAS]
    del connections.settings[ALIAS]


@pytest.mark.slow
def test_it_holds_the_accumulators_and_their_fences_and_nothing_else(elsewhere: str) -> None:
    """S2-21"""
    tables = set(connections[ALIAS].introspection.table_names())
    assert tables == {"claims_accumulator", "claims_accumulatorfence", "django_migrations"}
    region = ready()
    assert_undisturbed(short_night(region))
    assert Accumulator.objects.using(ALIAS).filter(region_id=region.pk).exists()
    assert not Accumulator.objects.using("default").filter(region_id=region.pk).exists()
    assert AccumulatorFence.objects.count() == PARTITIONS  # one for each part of step 5


@pytest.mark.slow
@pytest.mark.parametrize(
    "points",
    [
        [(COMMIT, "before", "4", "adjudicate")],
        pytest.param([(WRITE, "before", "4")], marks=pytest.mark.slow),
        pytest.param([(WRITE, "after", "4")], marks=pytest.mark.slow),
        pytest.param([(COMMIT, "after", "4", "adjudicate")], marks=pytest.mark.slow),
        pytest.param([(COMMIT, "before", "11", "adjudicate"), (RESTORE, "after", "1")], marks=pytest.mark.slow),
        pytest.param([(COMMIT, "before", "3", "adjudicate")] * 3, marks=pytest.mark.slow),
    ],
)
def test_killed_between_the_two_databases_it_comes_to_the_same(
    elsewhere: str, processes: Processes, points: list[tuple[str, ...]]
) -> None:
    """S2-17, S2-18, S2-21, X-10"""
    region = ready()
    StepSetting.objects.update(commit_frequency=FREQUENCY)
    for point in points:
        arguments = ("-m", "tests.claims.dying", region.name, str(PARTITIONS), *point)
        child = processes.start(sys.executable, *arguments, ACCUMULATORS_DATABASE_URL=elsewhere)
        assert child.ends(within=60) == -signal.SIGKILL, child.output
        forget_the_worker()
    assert_undisturbed(short_night(region))


@pytest.mark.slow
def test_a_folder_that_is_refused_leaves_no_opening_value_there(elsewhere: str, tmp_path: Path) -> None:
    """S2-21"""
    value = row("accumulators", member_id="M", benefit_year="2024", field_name="deductible_met", value="1.00")
    with pytest.raises(FolderRefused):
        staged(tmp_path, small_world(accumulators=[value], claim_lines=[line(), line()]), new_region())
    assert not Accumulator.objects.exists()
