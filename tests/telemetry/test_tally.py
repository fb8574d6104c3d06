"""Counts of many processes add up, and none of them waits for the queue's server or fails without it."""

import multiprocessing
import threading
import time
from typing import Any

import pytest
from redis import Redis

from backoffice.queue_server import ANSWER_SECONDS, connect
from backoffice.telemetry import tally
from backoffice.telemetry.timing import BUCKETS, quantile


@pytest.fixture(autouse=True)
def _nothing_waits() -> None:
    tally._waiting.clear()


def test_what_is_counted_in_two_flushes_adds_up_in_total_and_by_minute(queue: Redis) -> None:
    for _ in range(2):
        tally.count("tests", "a")
        tally.count("tests", "b", amount=0.25)
        assert tally.flush()
    assert tally.totals(queue) == {("tests", "a"): 2, ("tests", "b"): 0.5}
    minutes = tally.by_minute(queue, 2)
    assert sum(counts["tests", "a"] for counts in minutes.values()) == 2
    assert queue.ttl(tally.MINUTES.format(max(minutes))) > tally.KEPT_SECONDS - 60


def test_a_process_hands_over_as_it_ends_what_it_has_counted_itself(queue: Redis) -> None:
    """Not what its parent has: a fork would count that twice."""
    tally.count("tests", "parent")
    child = multiprocessing.get_context("fork").Process(target=_counts_and_flushes)
    child.start()
    child.join(30)
    assert child.exitcode == 0
    assert tally.totals(queue) == {("tests", "forked"): 3}
    assert tally.flush()
    assert tally.totals(queue) == {("tests", "forked"): 3, ("tests", "parent"): 1}


def test_who_hands_over_waits_for_who_is_at_it(queue: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a process that ends while its thread hands over would end without that lot."""
    slow = threading.Event()

    def slowly() -> Redis:
        slow.set()
        time.sleep(0.5)
        return connect()

    monkeypatch.setattr(tally, "connect", slowly)
    tally.count("tests", "slow")
    thread = threading.Thread(target=tally.flush)
    thread.start()
    assert slow.wait(10)
    assert tally.flush()
    assert tally.totals(queue) == {("tests", "slow"): 1}
    thread.join()


def _counts_and_flushes() -> None:
    for _ in range(3):
        tally.count("tests", "forked")
    tally.flush()


def test_what_a_lost_server_did_not_take_is_handed_over_later(queue: Redis, settings: Any) -> None:
    before = settings.RQ_QUEUES
    settings.RQ_QUEUES = {"default": {"URL": "redis://127.0.0.1:1/0"}}
    tally.count("tests", "kept")
    began = time.monotonic()
    assert not tally.flush()
    assert time.monotonic() - began < ANSWER_SECONDS + 1
    tally.count("tests", "kept")
    settings.RQ_QUEUES = before
    assert tally.flush()
    assert tally.totals(queue) == {("tests", "kept"): 2}


def test_a_process_that_counts_hands_over_by_itself(queue: Redis) -> None:
    child = multiprocessing.get_context("fork").Process(target=_counts_and_lives)
    child.start()
    deadline = time.monotonic() + 30
    while not tally.totals(queue) and time.monotonic() < deadline:
        time.sleep(0.02)
    child.terminate()
    child.join(30)
    assert tally.totals(queue) == {("tests", "alone"): 1}


def _counts_and_lives() -> None:
    """In a process of its own, for the thread never ends."""
    tally.FLUSH_SECONDS = 0.05
    tally.count("tests", "alone")
    time.sleep(30)


def test_a_quantile_is_the_upper_end_of_its_bucket() -> None:
    buckets = [0.0] * (len(BUCKETS) + 1)
    assert quantile(buckets, 0.95) is None
    buckets[1], buckets[6] = 95, 5
    assert quantile(buckets, 0.95) == BUCKETS[1]
    assert quantile(buckets, 0.96) == BUCKETS[6]
    buckets[-1] = 1000
    assert quantile(buckets, 0.95) == BUCKETS[-1]
