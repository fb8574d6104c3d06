"""Start, stop, restart, claim, reap: who may do what, and what a lost worker can no longer do."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from backoffice.runs import control, kernel, parts
from backoffice.runs.control import (
    AlreadyRunning,
    abandon_stale_runs,
    restart_run,
    start_run,
    stop_run,
)
from backoffice.runs.faults import Misuse
from backoffice.runs.heartbeat import Heartbeat
from backoffice.runs.models import Run, RunStatus, StepPart, StepState, StepStatus
from backoffice.runs.parts import FenceLost, claim
from regions.models import Region
from tests.factories import RegionFactory
from tests.running import at_once, finish, go_on
from tests.runs.conftest import parts_of
from tests.runs.test_kernel import begin, die_at
from tests.runs.toy import World

pytestmark = pytest.mark.django_db(transaction=True)


def grow_old(run: Run, seconds: int = 61) -> None:
    before = timezone.now() - timedelta(seconds=seconds)
    StepPart.objects.filter(run=run).update(heartbeat_at=before)
    Run.objects.filter(pk=run.pk).update(created_at=before)


def test_a_job_and_key_have_one_live_run(world: World) -> None:
    first = begin(key="a")
    with pytest.raises(AlreadyRunning) as refused:
        begin(key="a")
    assert refused.value.run == first
    assert begin(key="b").status == RunStatus.QUEUED


def test_previews_may_run_beside_a_run_that_writes(world: World) -> None:
    begin()
    assert begin(preview=True).live
    assert begin(preview=True).live


def test_twenty_starts_at_once_begin_one_run(world: World) -> None:
    def start() -> str:
        try:
            start_run("toy", region=None, parameters={}, attended=True)
        except AlreadyRunning:
            return "refused"
        return "started"

    assert at_once(start, 20) == ["refused"] * 19 + ["started"]
    assert Run.objects.count() == 1


def test_twenty_workers_that_hear_one_bell_claim_the_part_once(world: World) -> None:
    (part_id,) = parts_of(begin())
    claimed: list[int] = []

    def take() -> None:
        if (part := claim(part_id)) is not None:
            claimed.append(part.fence)
        connection.close()

    threads = [threading.Thread(target=take) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert claimed == [1]


def test_a_worker_not_heard_of_for_a_minute_loses_its_run_and_it_can_be_restarted(world: World) -> None:
    run = begin()
    claim(parts_of(run)[0])
    grow_old(run, seconds=50)
    assert abandon_stale_runs() == 0
    grow_old(run, seconds=61)
    assert abandon_stale_runs() == 1
    run.refresh_from_db()
    assert (run.status, run.reason) == (RunStatus.ABANDONED, "heartbeat_lost")
    assert go_on(run).status == RunStatus.COMPLETE


def test_a_run_that_waits_in_the_queue_is_not_stale_however_long(world: World) -> None:
    run = begin()
    Run.objects.filter(pk=run.pk).update(attended=False)
    grow_old(run, seconds=7200)
    StepPart.objects.update(heartbeat_at=None)
    assert abandon_stale_runs() == 0


def test_an_attended_run_whose_command_died_before_its_first_chunk_is_abandoned(world: World) -> None:
    run = begin()
    grow_old(run)
    StepPart.objects.update(heartbeat_at=None)
    assert abandon_stale_runs() == 1


def test_an_abandoned_worker_that_wakes_up_cannot_commit(world: World) -> None:
    run = begin()

    def sleep_over_it(numbers: list[int]) -> None:
        if 4 in numbers:
            grow_old(run)
            abandon_stale_runs()

    world.before_chunk = sleep_over_it
    finish(run)
    assert run.status == RunStatus.ABANDONED
    assert world.committed == [0, 1, 2]
    assert StepPart.objects.get(run=run).read == 3


def test_an_older_fence_holds_nothing(world: World) -> None:
    part = claim(parts_of(begin())[0])
    assert part is not None
    StepPart.objects.update(fence=part.fence + 1)
    with pytest.raises(FenceLost):
        parts.hold(part, read=99)
    assert StepPart.objects.get().read == 0


def test_a_queued_run_is_stopped_at_once_and_its_bell_rings_for_nothing(world: World) -> None:
    run = begin()
    (part,) = parts_of(run)
    assert stop_run(run).status == RunStatus.STOPPED
    kernel.work(part)
    assert world.seen == []


def test_a_run_that_is_to_stop_stops_as_well_when_its_worker_gives_the_part_back(world: World) -> None:
    run = begin()
    part = claim(parts_of(run)[0])
    assert part is not None
    assert stop_run(run).status == RunStatus.STOPPING
    parts.hand_over(part)
    run.refresh_from_db()
    assert run.status == RunStatus.STOPPED


def test_a_paused_region_starts_and_continues_nothing(world: World) -> None:
    region = RegionFactory.create()
    run = stop_run(start_run("toy", region=region, parameters={}, attended=True))
    Region.objects.update(paused=True)
    with pytest.raises(Misuse, match="paused"):
        restart_run(Run.objects.get(pk=run.pk), attended=True)
    with pytest.raises(Misuse, match="paused"):
        start_run("toy", region=Region.objects.get(), parameters={}, attended=True)


def test_two_restarts_of_one_attempt_make_one_run(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    run = stop_run(begin(preview=True))
    make = control._create_run

    def after_another(*of: Any, **how: Any) -> Run:
        monkeypatch.setattr(control, "_create_run", make)
        restart_run(run, attended=True)
        return make(*of, **how)

    monkeypatch.setattr(control, "_create_run", after_another)
    with pytest.raises(AlreadyRunning):
        restart_run(run, attended=True)
    assert Run.objects.filter(chain=run.chain).count() == 2


def test_what_has_ended_cannot_be_stopped_and_what_is_complete_cannot_be_continued(world: World) -> None:
    run = finish(begin())
    with pytest.raises(Misuse, match="has ended"):
        stop_run(run)
    with pytest.raises(Misuse, match="complete"):
        restart_run(run, attended=True)


def test_a_live_run_cannot_be_restarted(world: World) -> None:
    with pytest.raises(AlreadyRunning):
        restart_run(begin(), attended=True)


def test_an_unknown_job_is_refused_with_the_names_there_are(world: World) -> None:
    with pytest.raises(Misuse, match="recover_services"):
        begin("recover_service")


def test_steps_follow_each_other_and_each_notes_what_it_saw_of_its_predecessors(world: World) -> None:
    """S2-12"""
    run = finish(begin("three"))
    assert run.status == RunStatus.COMPLETE
    assert world.committed == list(range(10)) * 3
    assert list(StepState.objects.values_list("name", "status", "predecessors")) == [
        ("first", "complete", {}),
        ("second", "complete", {"first": 0}),
        ("third", "complete", {"first": 0, "second": 0}),
    ]  # fmt: skip


def test_a_step_begins_when_every_part_of_the_one_before_is_complete(world: World) -> None:
    """S2-12"""
    world.partitions = 3
    run = begin("three")
    first = parts_of(run)
    assert len(first) == 3
    kernel.work(first[0])
    kernel.work(first[1])
    assert parts_of(run) == [first[2]]
    kernel.work(first[2])
    assert len(parts_of(run)) == 3
    assert not set(parts_of(run)) & set(first)
    assert finish(run).status == RunStatus.COMPLETE


def test_a_complete_step_is_not_run_again_by_a_restart(world: World) -> None:
    """S2-11"""
    world.before_chunk = lambda numbers: None
    run = begin("three")
    kernel.work(parts_of(run)[0])
    world.before_chunk = die_at(4, KeyError())
    finish(run)
    assert run.status == RunStatus.ERRORED
    world.before_chunk = lambda numbers: None
    world.seen.clear()
    again = go_on(run)
    assert again.status == RunStatus.COMPLETE
    assert world.seen == [*range(3, 10), *range(10)]
    assert list(StepState.objects.values_list("name", "restart_count")) == [("first", 0), ("second", 1), ("third", 0)]


def test_a_restart_from_an_earlier_step_undoes_it_and_all_later_ones_first(world: World) -> None:
    """S2-13, S2-20"""
    run = finish(begin("three"))
    world.seen.clear()
    again = go_on(run, "second")
    assert again.status == RunStatus.COMPLETE
    assert world.undone == ["second/0", "third/0"]
    assert world.seen == [*range(10)] * 2
    assert list(StepState.objects.values_list("name", "restart_count")) == [("first", 0), ("second", 1), ("third", 1)]
    assert StepState.objects.get(name="third").predecessors == {"first": 0, "second": 1}


def test_what_is_to_be_undone_is_undone_by_whoever_begins_the_step_anew(world: World) -> None:
    again = restart_run(finish(begin("three")), attended=True, from_step="second")
    assert (world.undone, StepState.objects.get(name="second").parts.get().read) == ([], 0)
    kernel.work(parts_of(again)[0])
    assert world.undone == ["second/0"]
    finish(again)
    assert world.undone == ["second/0", "third/0"]
    assert not StepPart.objects.filter(undo=True).exists()


def test_the_figures_that_were_verified_stay_with_their_step(world: World) -> None:
    world.verify = lambda: {"numbers": {"count": 10}}
    run = finish(begin("three"))
    assert StepState.objects.get(chain=run.chain, name="second").outputs == {"numbers": {"count": 10}}


def test_a_step_is_verified_once_by_its_last_part_with_no_transaction_open(world: World) -> None:
    world.partitions, opened = 3, []
    world.verify = lambda: opened.append(connection.in_atomic_block)
    finish(begin("three"))
    assert opened == [False] * 3


def test_a_step_that_cannot_be_undone_refuses_to_be_begun_again(world: World) -> None:
    run = finish(begin())
    with pytest.raises(Misuse, match="cannot be undone"):
        restart_run(run, attended=True, from_step="count")
    assert Run.objects.count() == 1


def test_two_parts_that_complete_at_once_begin_the_next_step_once(world: World) -> None:
    world.partitions = 2
    run = begin("three")

    def one(part: int) -> None:
        kernel.work(part)
        connection.close()

    threads = [threading.Thread(target=one, args=(part,)) for part in parts_of(run)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert StepState.objects.get(name="first").status == StepStatus.COMPLETE
    assert StepState.objects.get(name="second").status == StepStatus.RUNNING
    assert len(parts_of(run)) == 2


def test_a_worker_whose_heartbeat_has_found_its_fence_lost_sends_nothing_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """X-20: not even what its chunk has left to send, although nothing was committed in between."""
    (part,) = parts_of(begin("writing"))
    monkeypatch.setattr(kernel, "Heartbeat", LostFence)
    kernel.work(part)
    assert (world.intended, world.acted, world.committed) == ([], [], [])


class LostFence(Heartbeat):
    """As if a beat had found that somebody else holds the part."""

    def __init__(self, part: StepPart) -> None:
        super().__init__(part)
        self._lost.set()


def test_a_step_that_begins_anew_has_the_time_of_its_new_beginning(world: World) -> None:
    again = restart_run(finish(begin("three")), attended=True, from_step="second")
    finish(again)
    first, second, _ = StepState.objects.filter(chain=again.chain)
    assert first.started_at is not None
    assert second.started_at is not None
    assert first.started_at < again.created_at <= second.started_at


def test_a_run_of_a_version_with_other_steps_is_begun_anew_and_not_restarted(world: World) -> None:
    run = begin()
    stop_run(run)
    StepState.objects.filter(chain=run.chain).update(name="as it was called")
    with pytest.raises(Misuse, match="toy had other steps when this run began: start it anew, with --fresh"):
        restart_run(run, attended=True)
    assert Run.objects.get() == run
