"""Memory over time: what grows is found, what is flat is not, and real processes are watched under a steady load."""

import os
import subprocess
import sys

import pytest

from backoffice.bench.resident import Course, Watch, resident_mib
from tests.bench.test_bench import number, rows_under
from tests.processes import Processes, descendants_of, until


def course(*levels: float) -> Course:
    return Course(title="web", samples=[(10.0 * place, level) for place, level in enumerate(levels)])


def test_memory_that_rises_by_a_twentieth_is_not_flat() -> None:
    assert course(100, 101, 102, 103, 104).flat
    assert not course(100, 102, 104, 106, 108).flat
    assert course(100, 101, 102, 103, 104).growth == pytest.approx(4 / 102)


def test_memory_that_goes_up_and_down_is_flat() -> None:
    up_and_down = course(*([100, 108] * 10))
    assert up_and_down.flat
    assert (up_and_down.start, up_and_down.end, up_and_down.peak) == (100, 108, 108)
    assert course(120, 110, 100).flat


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_a_process_and_its_child_that_stays_are_watched_and_one_that_goes_is_not() -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'])"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE) as parent:
        watch = Watch({os.getpid(): "test", parent.pid: "parent"})
        until(lambda: descendants_of(parent.pid))
        for at in range(3):
            watch.look(10.0 * at)
        titles = {one.title for one in watch.courses(10)}
        assert {"test", "parent", "parent, child 1"} <= titles
        parent.communicate(b"\n")
        watch.look(30)
        assert "parent" not in {one.title for one in watch.courses(10)}
    assert resident_mib(parent.pid) is None


@pytest.mark.slow
def test_the_quick_soak_watches_every_process_that_stays(processes: Processes) -> None:
    """A soak: the web's, the worker's, the publisher's and the consumer's memory at start, end and peak.

    A minute is too short for memory to have settled on every machine: the status may be 1, but for memory alone.
    """
    bench = processes.manage("bench", "soak", "--quick", "--database", "sqlite", DATABASE_URL="")
    status = bench.ends(within=900)
    memory, (load,) = rows_under("A soak", bench.output)
    titles = [row[1] for row in memory]
    consumers = ["consumer lis-sample-status", "consumer notification", "consumer pos-orders"]
    assert titles[:6] == ["web server", "worker", "publisher", *consumers]
    assert {"web server, child 1", "web server, child 2", "queue's server"} == set(titles[6:])
    assert all(1 < number(cell) < 512 for row in memory for cell in row[2:5])
    assert number(load[7]) > 0
    assert load[10:] == ["0", "0", "0"], bench.output
    grown = [row for row in memory if row[6] == "missed"]
    assert status == bool(grown), bench.output
    assert bench.output.count(" grew by ") == len(grown)
