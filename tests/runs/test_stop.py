"""A run that is to stop ends with its last working part, wherever that is."""

import threading

import pytest
from django.db import connection

from backoffice.runs import parts
from backoffice.runs.control import stop_run
from backoffice.runs.models import Run, RunStatus, StepState
from backoffice.runs.parts import claim
from backoffice.runs.waiting import wait_for
from tests.running import finish, go_on
from tests.runs.conftest import parts_of
from tests.runs.test_kernel import begin
from tests.runs.toy import World

pytestmark = pytest.mark.django_db(transaction=True)


def stopping_while_verified(world: World, step: str) -> Run:
    """A run of three steps that is told to stop while this one is verified, when no chunk is left to stop after."""
    run = begin("three")

    def verify() -> None:
        if StepState.objects.get(chain=run.chain, name=step).status == "running":
            assert stop_run(Run.objects.get(pk=run.pk)).status == RunStatus.STOPPING

    world.verify = verify
    return run


def states(run: Run) -> list[str]:
    return list(StepState.objects.filter(chain=run.chain).values_list("status", flat=True))


def test_a_stop_during_a_steps_verification_ends_the_run_before_the_next_step(world: World) -> None:
    """S2-11, S2-12: it went on stopping for ever, since nobody may claim a part of a run that is to stop."""
    run = finish(stopping_while_verified(world, "first"))
    assert (run.status, run.reason) == (RunStatus.STOPPED, "stopped")
    assert states(run) == ["complete", "pending", "pending"]
    world.verify = lambda: None
    world.seen.clear()
    assert go_on(run).status == RunStatus.COMPLETE
    assert world.seen == [*range(10)] * 2


def test_a_stop_during_the_last_verification_comes_too_late(world: World) -> None:
    run = finish(stopping_while_verified(world, "third"))
    assert (run.status, run.reason) == (RunStatus.COMPLETE, "")


def test_a_run_ends_with_the_last_of_several_parts_that_is_worked(world: World) -> None:
    """S2-12: one completed when there was no chunk left to stop after, the third had nobody yet."""
    world.partitions = 3
    run = begin("three")
    first, second = (claim(part) for part in parts_of(run)[:2])
    assert first is not None
    assert second is not None
    assert stop_run(run).status == RunStatus.STOPPING
    parts.complete(first, lambda: None)
    run.refresh_from_db()
    assert run.status == RunStatus.STOPPING
    parts.complete(second, lambda: None)
    run.refresh_from_db()
    assert (run.status, run.reason) == (RunStatus.STOPPED, "stopped")
    assert states(run) == ["pending", "pending", "pending"]
    assert go_on(run).status == RunStatus.COMPLETE


def test_a_part_that_is_given_up_leaves_the_end_to_one_that_completes(world: World) -> None:
    world.partitions = 2
    run = begin("three")
    first, second = (claim(part) for part in parts_of(run))
    assert first is not None
    assert second is not None
    stop_run(run)
    parts.leave(first, RunStatus.STOPPED, "stopped", "")
    parts.complete(second, lambda: None)
    run.refresh_from_db()
    assert run.status == RunStatus.STOPPED


def test_who_waits_for_a_run_that_is_stopped_so_waits_no_more(world: World) -> None:
    """--wait after one Ctrl-C."""
    run = stopping_while_verified(world, "second")

    def wait() -> None:
        wait_for(run, progress=False)
        connection.close()

    waiting = threading.Thread(target=wait, daemon=True)
    waiting.start()
    waiting.join(20)
    assert not waiting.is_alive()
    assert Run.objects.get(pk=run.pk).status == RunStatus.STOPPED


@pytest.mark.parametrize(("first", "then"), [("stopped", "terminated"), ("terminated", "stopped")])
def test_who_asked_first_has_stopped_it(world: World, first: str, then: str) -> None:
    """A person, and then the machine that goes down; or the other way round."""
    run = begin("three")
    part = claim(parts_of(run)[0])
    assert part is not None
    stop_run(run, reason=first)
    stop_run(Run.objects.get(pk=run.pk), reason=then)
    parts.stop(part)
    run.refresh_from_db()
    assert (run.status, run.reason) == (RunStatus.STOPPED, first)
