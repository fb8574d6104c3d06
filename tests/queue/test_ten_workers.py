"""[S3-01] Ten workers of one pool share the queues: in their order, and no job comes to two of them."""

import signal
from pathlib import Path

import pytest
from django.conf import settings
from redis import Redis
from rq import Queue

from tests.processes import Processes, until, workers_of

WORKERS, JOBS = 10, 100
NAMES = ("processors", "notifications", "states", "default", "low")

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def read(lines: Path) -> list[str]:
    return lines.read_text().split() if lines.exists() else []


def passed_over(done: list[str]) -> int:
    """The most jobs of queues before its own that began after a job."""
    ranks = [NAMES.index(line.partition("-")[0]) for line in done]
    return max(sum(later < rank for later in ranks[place:]) for place, rank in enumerate(ranks))


def test_ten_workers_take_a_hundred_jobs_in_the_order_of_the_queues_and_each_once(
    processes: Processes, queue: Redis, queue_server: str, tmp_path: Path
) -> None:
    """All ten hold a job first, so that all hundred wait when they go on. Of what a worker has taken its line is
    written a moment later: the nine others may each have passed it over by one, and no more."""
    assert [name for name in settings.QUEUE_ORDER if name in NAMES] == list(NAMES)
    lines, held, gate = tmp_path / "lines", tmp_path / "held", tmp_path / "gate"
    for number in range(WORKERS):
        hold = (str(held), str(number), str(gate))
        Queue("low", connection=queue).enqueue("tests.queue.jobs.write_when", *hold, job_timeout=-1)
    pool = processes.manage("work", "--workers", str(WORKERS))
    until(lambda: len(read(held)) == WORKERS, within=180)
    assert len(set(workers_of(queue_server))) == WORKERS
    assert all(queue.scard(f"rq:workers:{name}") == WORKERS for name in settings.QUEUE_ORDER)

    wanted = [f"{name}-{number}" for number in range(JOBS // len(NAMES)) for name in reversed(NAMES)]
    for line in wanted:
        name = line.partition("-")[0]
        Queue(name, connection=queue).enqueue("tests.queue.jobs.write", str(lines), line, job_timeout=-1)
    gate.touch()
    until(lambda: len(read(lines)) >= JOBS, within=180)
    until(lambda: not any(Queue(name, connection=queue).started_job_registry.count for name in NAMES))
    done = read(lines)
    assert sorted(done) == sorted(wanted)
    assert passed_over(done) < WORKERS
    assert sorted(read(held)) == sorted(map(str, range(WORKERS)))
    pool.signal(signal.SIGTERM)
    assert pool.ends() == 0, pool.output
    assert workers_of(queue_server) == []


def test_another_order_would_be_seen() -> None:
    """What the measure says of jobs in the order in which they were enqueued, and of those in the queues' order."""
    enqueued = [f"{name}-{number}" for number in range(JOBS // len(NAMES)) for name in reversed(NAMES)]
    assert passed_over(enqueued) > WORKERS
    assert passed_over([f"{name}-{number}" for name in NAMES for number in range(20)]) == 0
