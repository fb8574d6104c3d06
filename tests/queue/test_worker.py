"""Workers: they stop between two chunks, lose no job, and outlive each other and the queue server."""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue
from rq.job import JobStatus

from backoffice.embedded import BundledServer, queue_url
from backoffice.runs.control import ring_again, start_run
from backoffice.runs.models import Run, RunStatus, StepPart
from tests.processes import Processes, Running, until, workers_of
from tests.runs import toy

pytestmark = pytest.mark.django_db(transaction=True)
Write = Callable[..., None]
SECRET = "Okonkwo-7431"


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    """The file that the jobs write to."""
    return tmp_path / "lines"


@pytest.fixture
def enqueue(queue: "Redis", lines: Path) -> Write:
    """Enqueue `write` with this line, on the test's queue server."""

    def enqueue(line: str, name: str = "default", seconds: float = 0) -> None:
        function = "write_after" if seconds else "write"
        arguments = (str(lines), line, seconds) if seconds else (str(lines), line)
        Queue(name, connection=queue).enqueue(f"tests.queue.jobs.{function}", *arguments, job_timeout=-1)

    return enqueue


def read(lines: Path) -> list[str]:
    return lines.read_text().split() if lines.exists() else []


@pytest.mark.slow
def test_an_idle_worker_ends_at_once_when_it_is_asked_to(
    processes: Processes, queue: "Redis", queue_server: str
) -> None:
    work = processes.manage("work")
    until(lambda: workers_of(queue_server))
    work.signal(signal.SIGTERM)
    assert work.ends(within=4) == 0
    assert work.output == ""
    assert workers_of(queue_server) == []


def test_a_bell_whose_worker_died_before_it_claimed_the_part_is_rung_again(queue: "Redis", world: toy.World) -> None:
    """X-20"""
    run = start_run("toy", region=None, parameters={})
    part = run.parts.get()
    (bell,) = Queue("default", connection=queue).jobs
    assert ring_again() == 0
    Queue("default", connection=queue).remove(bell)
    bell.set_status(JobStatus.FAILED)
    assert ring_again() == 1
    (again,) = Queue("default", connection=queue).jobs
    assert (again.id, again.args, again.get_status()) == (bell.id, (part.pk,), JobStatus.QUEUED)


@pytest.mark.slow
def test_queues_are_worked_in_their_order(processes: Processes, enqueue: Write, lines: Path) -> None:
    """[S3-01] By one command."""
    for name in ("low", "default", "mailers", "processors"):
        enqueue(name, name)
    processes.manage("work")
    until(lambda: len(read(lines)) == 4)
    assert read(lines) == ["processors", "mailers", "default", "low"]


@pytest.mark.slow
def test_a_job_that_is_no_run_ends_before_its_worker(processes: Processes, enqueue: Write, lines: Path) -> None:
    enqueue("done", seconds=1)
    work = processes.manage("work")
    until(lambda: read(lines) == ["begun"])
    work.signal(signal.SIGTERM)
    assert work.ends() == 0
    assert read(lines) == ["begun", "done"]


def test_a_part_is_given_back_on_sigterm_and_another_worker_goes_on(
    processes: Processes, queue: "Redis", world: toy.World
) -> None:
    run = start_run("toy", region=None, parameters={})
    first = processes.start(sys.executable, "-m", "tests.queue.toy_worker", "0.5")
    until(lambda: StepPart.objects.get(run=run).done)
    first.signal(signal.SIGTERM)
    assert first.ends() == 0, first.output
    part = StepPart.objects.get(run=run)
    assert (part.status, part.read) == ("pending", part.done)
    assert 0 < part.done < 10
    assert status_of(run) == RunStatus.RUNNING

    processes.start(sys.executable, "-m", "tests.queue.toy_worker", "0")
    until(lambda: status_of(run) == RunStatus.COMPLETE)
    assert StepPart.objects.get(run=run).outcomes == {"done": 10}


@pytest.mark.slow
def test_ctrl_c_in_the_terminal_reaches_all_and_gives_the_part_back(
    processes: Processes, queue: "Redis", world: toy.World
) -> None:
    run = start_run("toy", region=None, parameters={})
    pool = processes.start(sys.executable, "-m", "tests.queue.toy_worker", "0.5", "--workers", "2")
    until(lambda: StepPart.objects.get(run=run).done)
    os.killpg(pool.pid, signal.SIGINT)
    assert pool.ends() == 0, pool.output
    assert StepPart.objects.get(run=run).status == "pending"


@pytest.mark.slow
def test_a_killed_worker_of_a_pool_is_replaced_and_named(
    processes: Processes, queue_server: str, enqueue: Write, lines: Path
) -> None:
    pool = processes.manage("work", "--workers", "2")
    until(lambda: len(workers_of(queue_server)) == 2)
    killed = workers_of(queue_server)[0]
    os.kill(killed, signal.SIGKILL)
    pool.says("worker_ended")
    assert str(killed) in pool.output
    until(lambda: set(workers_of(queue_server)) - {killed} and len(workers_of(queue_server)) == 3)
    enqueue("after")
    until(lambda: read(lines) == ["after"])
    pool.signal(signal.SIGTERM)
    assert pool.ends() == 0


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", pytest.param("2", marks=pytest.mark.slow)])
def test_a_worker_outlives_its_killed_queue_server(
    processes: Processes, tmp_path: Path, lines: Path, workers: str
) -> None:
    home = tmp_path / "home"
    url = queue_url(home)
    work = processes.manage("work", "--workers", workers, REDIS_URL="", NIGHTWARD_HOME=str(home))
    until(lambda: len(workers_of(url)) == int(workers))
    with Redis.from_url(url) as client:
        Queue(connection=client).enqueue("tests.queue.jobs.write_after", str(lines), "during", 2)
        until(lambda: read(lines) == ["begun"])
        kill_server(home)
        BundledServer(home).ensure()
        Queue(connection=client).enqueue("tests.queue.jobs.write", str(lines), "after")
        until(lambda: sorted(read(lines)) == ["after", "begun", "during"])
        until(lambda: not Queue(connection=client).started_job_registry.get_job_ids(cleanup=False))
    assert work.process.poll() is None
    work.signal(signal.SIGTERM)
    assert work.ends() == 0


@pytest.mark.slow
def test_a_worker_starts_its_lost_bundled_server_again(processes: Processes, tmp_path: Path, lines: Path) -> None:
    home = tmp_path / "home"
    work = processes.manage("work", REDIS_URL="", NIGHTWARD_HOME=str(home))
    until(lambda: workers_of(queue_url(home)))
    kill_server(home)
    work.says("queue_lost")
    with Redis.from_url(queue_url(home)) as client:
        until(lambda: workers_of(queue_url(home)))
        Queue(connection=client).enqueue("tests.queue.jobs.write", str(lines), "after")
    until(lambda: read(lines) == ["after"])


@pytest.mark.slow
def test_no_job_is_lost_by_workers_that_are_stopped_while_they_take_one(
    processes: Processes, enqueue: Write, lines: Path, queue_server: str
) -> None:
    for number in range(120):
        enqueue(str(number))
    for number in range(5):
        work = processes.manage("work", "--workers", "2")
        until(lambda: workers_of(queue_server))
        time.sleep(0.1 + number / 20)
        work.signal(signal.SIGTERM)
        assert work.ends() == 0, work.output
    processes.manage("work", "--workers", "2")
    until(lambda: len(read(lines)) >= 120, within=60)
    assert sorted(map(int, read(lines))) == list(range(120))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--queues", "default", "nonsense"), "No queue is called nonsense. Queues: processors, eligibility"),
        (("--workers", "0"), "'0' is not a whole number from 1"),
        pytest.param(("--workers", "many"), "'many' is not a whole number from 1", marks=pytest.mark.slow),
    ],
)
def test_wrong_use_is_one_line_and_status_2(processes: Processes, arguments: tuple[str, ...], said: str) -> None:
    work: Running = processes.manage("work", *arguments)
    assert work.ends() == 2
    assert said in work.output
    assert "Traceback" not in work.output


def status_of(run: Run) -> RunStatus:
    return RunStatus(Run.objects.values_list("status", flat=True).get(pk=run.pk))


def kill_server(home: Path) -> None:
    os.kill(int((home / "queue" / "valkey.pid").read_text()), signal.SIGKILL)


@pytest.mark.slow
def test_of_an_exception_the_log_and_redis_have_the_class_and_place_and_not_the_message(
    processes: Processes, queue: "Redis", lines: Path
) -> None:
    """[S4-09] What it says may be a patient's."""
    job = Queue("default", connection=queue).enqueue("tests.queue.jobs.fail", str(lines), SECRET, description="fail")
    work = processes.manage("work", LOG_LEVEL="INFO")
    until(lambda: job.get_status() == JobStatus.FAILED)
    until(lambda: "exception raised" in work.output)
    result = job.latest_result()
    assert result is not None
    for told in (work.output, str(result.exc_string)):
        assert "LookupError" in told
        assert "in fail" in told
        assert SECRET not in told
