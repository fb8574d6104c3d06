"""Processes that are born again when they are killed: python -m tests.events.nursery "publish_events --every 0.1" …

Each argument is a command line. It is run by a child forked from this process, which starts quickly because all is
imported already; the child's number is written to standard output as it is born.
"""

import os
import signal
import sys
import traceback

import django

django.setup()

from django.core.management import call_command, load_command_class  # noqa: E402

from tests.events import toy  # noqa: E402


def born(line: str) -> int:
    pid = os.fork()
    if pid:
        sys.stdout.write(f"{pid} {line}\n")
        sys.stdout.flush()
        return pid
    status = 1
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        call_command(*line.split())
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def main(lines: list[str]) -> None:
    """Until SIGTERM, which ends the children first."""
    children = {born(line): line for line in lines}

    def end(number: int, frame: object) -> None:
        for child in children:
            os.kill(child, signal.SIGTERM)

    signal.signal(signal.SIGTERM, end)
    while children:
        pid, status = os.wait()
        line = children.pop(pid)
        if status == signal.SIGKILL:
            children[born(line)] = line


if __name__ == "__main__":
    toy.register()
    for name in {line.split()[0] for line in sys.argv[1:]}:
        load_command_class("clinic.events", name)
    main(sys.argv[1:])
