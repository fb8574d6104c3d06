"""A process that has the product loaded and forks one for each attempt: python -m backoffice.lab.server

Reads one SPEC a line (backoffice.lab.attempt) and answers with a line each: the exit status, below 0 for a signal. It
never computes with Polars and has no connection to a database, neither of which would survive the fork.
"""

import json
import os
import signal
import sys
import traceback

import django

LONGEST_SECONDS = 900


def serve() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
    django.setup()
    from django.db import connections

    from backoffice.lab.attempt import attempt

    for line in sys.stdin:
        child = os.fork()
        if not child:
            status = 1
            try:
                signal.alarm(LONGEST_SECONDS)
                attempt(json.loads(line))
                connections.close_all()
                status = 0
            except BaseException:  # whatever it is, the process ends here
                traceback.print_exc()
            finally:
                os._exit(status)
        _, ended = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(ended)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
