"""Run a program and write what it used to a file: FILE PROGRAM ARGUMENT….

A small process in between, since the system counts a parent's memory into the peak of the child that it forks: of the
benchmark itself that would be more than what is to be measured. Exit status: the program's.
"""

import json
import os
import signal
import sys
from pathlib import Path


def main(report: str, *program: str) -> int:
    """The exit status of `program`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the program's, which we wait for
    pid = os.posix_spawn(program[0], program, os.environ, setsigdef=[signal.SIGINT])
    signal.signal(signal.SIGTERM, lambda number, frame: os.kill(pid, number))
    _, status, usage = os.wait4(pid, 0)
    unit = 1 if sys.platform == "darwin" else 1024
    used = {"peak_bytes": usage.ru_maxrss * unit, "cpu_seconds": usage.ru_utime + usage.ru_stime}
    Path(report).write_text(json.dumps(used))
    return os.waitstatus_to_exitcode(status) & 0xFF


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
