"""The pace of a region is one for all its workers, and Redis is the one that keeps it."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import pairwise

import pytest
from redis import Redis

from backoffice.adapters.pace import Pace, PaceUnavailable

WORKER = """
import sys, time
from backoffice.adapters.pace import Pace
pace = Pace(sys.argv[1], "pace:test", 40)
input()
for _ in range(30):
    pace.wait()
    print(time.time(), flush=True)
pace.close()
"""


def in_threads(pace: Pace, threads: int, calls: int) -> list[list[float]]:
    """When each thread got its slots."""

    def one(_: int) -> list[float]:
        moments = []
        for _ in range(calls):
            pace.wait()
            moments.append(time.monotonic())
        return moments

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, range(threads)))


def most_within(moments: list[float], seconds: float) -> int:
    ordered = sorted(moments)
    return max(sum(begin <= moment < begin + seconds for moment in ordered) for begin in ordered)


def test_threads_together_keep_the_pace(queue: "Redis", queue_server: str) -> None:
    with closing(Pace(queue_server, "pace:test", 100)) as pace:
        started = time.monotonic()
        moments = [moment for own in in_threads(pace, 8, 20) for moment in own]
        seconds = time.monotonic() - started
    assert 1.45 < seconds < 5  # 160 calls, ten of them saved up
    assert most_within(moments, 0.5) <= 50 + 10 + 15  # what threads that woke up late add


def test_a_slow_pace_saves_nothing_up(queue: "Redis", queue_server: str) -> None:
    with closing(Pace(queue_server, "pace:test", 5)) as pace:
        moments = sorted(moment for own in in_threads(pace, 4, 2) for moment in own)
    assert min(later - earlier for earlier, later in pairwise(moments)) > 0.1
    assert moments[-1] - moments[0] == pytest.approx(7 / 5, abs=0.5)


def test_nobody_is_served_before_those_who_came_earlier(queue: "Redis", queue_server: str) -> None:
    with closing(Pace(queue_server, "pace:test", 10)) as pace:
        by_thread = in_threads(pace, 4, 5)
    first_to_end = min(own[-1] for own in by_thread)
    assert min(sum(moment <= first_to_end for moment in own) for own in by_thread) >= 3  # of five


def test_workers_in_other_processes_share_the_pace(queue: "Redis", queue_server: str) -> None:
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, queue_server], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    moments = [float(line) for worker in workers for line in worker.communicate(timeout=30)[0].split()]
    assert len(moments) == 60
    assert most_within(moments, 1.0) <= 40 + 4 + 10


def test_regions_do_not_wait_for_each_other(queue: "Redis", queue_server: str) -> None:
    with closing(Pace(queue_server, "pace:a", 1)) as one, closing(Pace(queue_server, "pace:b", 1)) as other:
        started = time.monotonic()
        one.wait()
        other.wait()
    assert time.monotonic() - started < 0.5


def test_an_idle_key_leaves_nothing_behind(queue: "Redis", queue_server: str) -> None:
    with closing(Pace(queue_server, "pace:test", 100)) as pace:
        pace.wait()
    time.sleep(0.3)
    assert queue.exists("pace:test") == 0


def test_without_a_pace_nobody_waits_and_no_redis_is_needed() -> None:
    with closing(Pace("redis://127.0.0.1:1/0", "pace:test", None)) as pace:
        pace.wait()


def test_without_redis_it_says_so_in_one_line_without_the_password() -> None:
    lost = Pace("redis://:pa55@127.0.0.1:1/0", "pace:test", 10)
    with closing(lost), pytest.raises(PaceUnavailable) as raised:
        lost.wait()
    assert str(raised.value) == "The pace cannot be kept: Redis does not answer (ConnectionError)."


def test_several_slots_are_waited_for_by_who_comes_next(queue: "Redis", queue_server: str) -> None:
    with closing(Pace(queue_server, "pace:test", 100)) as pace:
        started = time.monotonic()
        pace.wait(60)
        pace.wait()
        assert time.monotonic() - started >= 0.45  # ten of them were saved up


@pytest.mark.slow
def test_a_pause_that_was_asked_for_holds_for_all_and_ends(queue: "Redis", queue_server: str) -> None:
    with closing(Pace(queue_server, "pace:a", 100)) as one, closing(Pace(queue_server, "pace:a", 100)) as colleague:
        with closing(Pace(queue_server, "pace:b", 100)) as other:
            started = time.monotonic()
            one.hold(2.0)
            other.wait()
            assert queue.exists("pace:a:held") == 1
        colleague.wait()
        assert time.monotonic() - started > 1.95
        colleague.wait()
    assert queue.exists("pace:a:held") == 0


def test_no_pause_can_be_asked_for_without_redis() -> None:
    with closing(Pace("redis://127.0.0.1:1/0", "pace:test", 10)) as lost, pytest.raises(PaceUnavailable):
        lost.hold(1)
    with closing(Pace("redis://127.0.0.1:1/0", "pace:test", None)) as unlimited:
        unlimited.hold(1)
