"""Many processes that do the same at the same moment, forked from the test: each has a connection of its own."""

import os
from collections import Counter
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier

from django.db import connections

FORK = get_context("fork")


def crowd(processes: int, times: int, act: Callable[[], str]) -> "Counter[str]":
    """What `act` said, called so often by each of so many processes that begin together."""
    connections.close_all()
    start, answers = FORK.Barrier(processes), FORK.SimpleQueue()
    running = [FORK.Process(target=_member, args=(start, answers, times, act)) for _ in range(processes)]
    for process in running:
        process.start()
    said = [answers.get() for _ in running]
    for process in running:
        process.join(20)
    return sum((Counter(each) for each in said), Counter())


def _member(start: Barrier, answers: "object", times: int, act: Callable[[], str]) -> None:
    said = []
    start.wait(20)
    for _ in range(times):
        try:
            said.append(act())
        except Exception as error:
            said.append(f"{type(error).__name__}: {error}")
    answers.put(said)  # type: ignore[attr-defined]  # a SimpleQueue, which has no public type
    connections.close_all()
    os._exit(0)
