"""Run a program and write what it used to a file: [--half-a-core] [--address-space MIB] FILE PROGRAM ARGUMENT….

A small process in between, since the system counts a parent's memory into the peak of the child that it forks: of the
benchmark itself that would be more than what is to be measured. Exit status: the program's. Half a core: it may run on
one processor alone, and is stopped for half of the time. Address space: RLIMIT_AS, beyond which the program is given no
more; it counts what is reserved as well as what is used, so it is the stricter bound. So that threads do not reserve 72
MiB each, which nothing uses, their stacks are of 1 MiB and the C library has one arena.
"""

import json
import os
import resource
import signal
import sys
import time
from argparse import REMAINDER, ArgumentParser
from pathlib import Path

TURN = 0.01  # seconds
MIB = 2**20


def main(*arguments: str) -> int:
    """The exit status of the program."""
    parser = ArgumentParser()
    parser.add_argument("--half-a-core", action="store_true")
    parser.add_argument("--address-space", type=int, default=0)
    parser.add_argument("report")
    parser.add_argument("program", nargs=REMAINDER)
    given = parser.parse_args(arguments)
    if given.address_space:
        _bound(given.address_space)
    halved, report, program = given.half_a_core, given.report, given.program
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the program's, which we wait for
    pid = os.posix_spawn(program[0], program, os.environ, setsigdef=[signal.SIGINT])
    signal.signal(signal.SIGTERM, lambda number, frame: os.kill(pid, number))
    if halved:
        os.sched_setaffinity(pid, {min(os.sched_getaffinity(pid))})
    _, status, usage = _ended_by_turns(pid) if halved else os.wait4(pid, 0)
    unit = 1 if sys.platform == "darwin" else 1024
    used = {"peak_bytes": usage.ru_maxrss * unit, "cpu_seconds": usage.ru_utime + usage.ru_stime}
    Path(report).write_text(json.dumps(used))
    return os.waitstatus_to_exitcode(status) & 0xFF


def _bound(mib: int) -> None:
    """From here on, this process and what it starts have so much address space."""
    resource.setrlimit(resource.RLIMIT_AS, (mib * MIB, mib * MIB))
    resource.setrlimit(resource.RLIMIT_STACK, (MIB, MIB))
    os.environ["MALLOC_ARENA_MAX"] = "1"


def _ended_by_turns(pid: int) -> tuple[int, int, resource.struct_rusage]:
    """As wait4; until then the program runs for one turn and stands still for the next."""
    while True:
        for number in (signal.SIGSTOP, signal.SIGCONT):
            os.kill(pid, number)
            time.sleep(TURN)
        ended = os.wait4(pid, os.WNOHANG)
        if ended[0]:
            return ended


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
