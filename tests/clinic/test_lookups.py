"""The caches of one run: a key is asked once, by however many, and a failure is nobody's answer for long."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from backoffice.adapters.hospital import Hospital, HospitalUnavailable
from backoffice.adapters.hospital_types import Case
from backoffice.sandbox.hospital import Hospital as Sandbox
from backoffice.sandbox.hospital.generate import generate
from clinic.recovery.lookups import Cache, Lookups

FIVE = {
    "configuration": "serviceConfiguration",
    "cost_center": "costCenter",
    "physician": "responsiblePhysician",
    "case": "case",
    "block": "serviceBlock",
}


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    generate(tmp_path, appointments=100, end=date(2026, 11, 1))
    with Sandbox(tmp_path, token="t0ken") as sandbox:
        yield sandbox


@pytest.fixture
def lookups(sandbox: Sandbox) -> Iterator[Lookups]:
    with closing(Hospital(sandbox.url, "t0ken", timeout=10, connections=100)) as hospital:
        yield Lookups(hospital)


def at_once(ask: Callable[[], object], threads: int) -> list[Future[object]]:
    """Ask from so many threads, none of which begins before all are there; the futures are done."""
    barrier = threading.Barrier(threads)

    def one() -> object:
        barrier.wait()
        return ask()

    with ThreadPoolExecutor(threads) as pool:
        return [pool.submit(one) for _ in range(threads)]


def figures(lookups: Lookups, kind: str) -> dict[str, int]:
    """What is not zero of one kind."""
    counts = lookups.take_counts()
    start = f"cache.{kind}."
    return {name.removeprefix(start): n for name, n in counts.items() if name.startswith(start) and n}


class Held:
    """Another side that answers when it is told to, and counts its calls."""

    def __init__(self, answer: Callable[[str], str | None]) -> None:
        self.answer, self.let_go, self.asked = answer, threading.Event(), Counter[str]()

    def __call__(self, key: str) -> str | None:
        self.asked[key] += 1
        assert self.let_go.wait(10)
        return self.answer(key)


def until_joined(cache: Cache[str | None], held: Held, joins: int) -> None:
    """Let the other side answer once so many others wait for it."""
    seen, deadline = 0, time.monotonic() + 5
    while seen < joins and time.monotonic() < deadline:
        seen += cache.take_counts()["joins"]
        time.sleep(0.001)
    held.let_go.set()


def test_exactly_the_five_lookups_are_remembered(sandbox: Sandbox, lookups: Lookups) -> None:
    """S0-06"""
    for _ in range(3):
        for kind in FIVE:
            getattr(lookups, kind)("unknown")
    assert sandbox.calls == Counter(dict.fromkeys(FIVE.values(), 1))
    counts = lookups.take_counts()
    assert {name.split(".")[1] for name in counts} == set(FIVE)
    assert not hasattr(lookups, "sessions")
    assert not hasattr(lookups, "appointments")


def test_a_hundred_at_once_make_one_call(sandbox: Sandbox, lookups: Lookups) -> None:
    """S0-07"""
    case = next(iter(sandbox.store.cases))
    sandbox.latency_ms = 200
    answers = {future.result() for future in at_once(lambda: lookups.case(case), 100)}
    assert len(answers) == 1
    assert isinstance(answers.pop(), Case)
    assert sandbox.calls == {"case": 1}
    assert figures(lookups, "case") == {"calls": 1, "joins": 99}


def test_other_keys_do_not_wait_for_the_one_in_flight() -> None:
    """S0-07"""
    held = Held(str.upper)
    cache = Cache[str | None](lambda key: held(key) if key == "slow" else key)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(cache.get, "slow")
        assert cache.get("quick") == "quick"
        assert not slow.done()
        held.let_go.set()
        assert slow.result() == "SLOW"


def test_a_failed_lookup_is_asked_again(sandbox: Sandbox, lookups: Lookups) -> None:
    """S0-08"""
    sandbox.faults.set("lookup:costCenter", 1.0)
    with pytest.raises(HospitalUnavailable, match="INTERNAL"):
        lookups.cost_center("D-1")
    sandbox.faults.clear()
    lookups.cost_center("D-1")
    lookups.cost_center("D-1")
    assert figures(lookups, "cost_center") == {"calls": 2, "hits": 1, "failures": 1}


def test_those_who_wait_for_a_failing_call_see_its_failure_and_the_next_one_asks_again() -> None:
    """S0-08"""

    def fail(key: str) -> str | None:
        raise HospitalUnavailable("http_503")

    held = Held(fail)
    cache = Cache[str | None](held)
    with ThreadPoolExecutor(9) as pool:
        futures = [pool.submit(cache.get, "D-1") for _ in range(9)]
        until_joined(cache, held, 8)
        assert {type(future.exception()) for future in futures} == {HospitalUnavailable}
    assert held.asked == {"D-1": 1}
    held.answer = str.lower
    assert cache.get("D-1") == "d-1"
    assert held.asked == {"D-1": 2}


def test_whatever_ends_the_call_nobody_waits_for_ever() -> None:
    """S0-08"""

    def interrupt(key: str) -> str | None:
        raise KeyboardInterrupt

    held = Held(interrupt)
    cache = Cache[str | None](held)
    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(cache.get, "D-1") for _ in range(2)]
        until_joined(cache, held, 1)
        assert {type(future.exception(5)) for future in futures} == {KeyboardInterrupt}


def test_that_there_is_no_such_record_is_an_answer() -> None:
    """S0-09"""
    asked: list[str] = []
    cache = Cache[None](asked.append)
    assert [cache.get("gone"), cache.get("gone")] == [None, None]
    assert asked == ["gone"]


def test_the_next_run_asks_for_itself(sandbox: Sandbox) -> None:
    """S0-09"""
    with closing(Hospital(sandbox.url, "t0ken", timeout=10)) as hospital:
        for _ in range(2):
            run = Lookups(hospital)
            run.block("B-1")
            run.block("B-1")
            assert figures(run, "block") == {"calls": 1, "hits": 1}
    assert sandbox.calls == {"serviceBlock": 2}


def test_calls_hits_and_joins_are_all_the_requests_there_were(sandbox: Sandbox, lookups: Lookups) -> None:
    """S0-09"""
    cases = list(sandbox.store.cases)[:20]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lookups.case, cases * 50))
    counts = figures(lookups, "case")
    assert counts["calls"] == len(cases) == sandbox.calls["case"]
    assert counts["calls"] + counts["hits"] + counts.get("joins", 0) == 50 * len(cases)
    assert not any(lookups.take_counts().values())


def test_only_so_many_answers_are_kept_and_the_longest_unused_goes_first() -> None:
    asked: list[str] = []
    cache = Cache[None](asked.append, kept=3)
    for key in ("a", "b", "c", "a", "d", "a", "b"):
        cache.get(key)
    assert asked == ["a", "b", "c", "d", "b"]
    assert cache.take_counts() == {"calls": 5, "hits": 2, "reasked": 1}


def test_memory_stays_flat_however_many_keys_there_are() -> None:
    cache = Cache(str.lower, kept=100)
    for number in range(10_000):
        cache.get(f"K-{number}")
    assert len(cache._answers) == len(cache._evicted) == 100
    assert cache._in_flight == {}
