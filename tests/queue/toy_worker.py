"""A worker process that knows the toy jobs: python -m tests.queue.toy_worker SECONDS_A_CHUNK [arguments of `work`]."""

import sys
import time

import django

django.setup()

from django.core.management import call_command  # noqa: E402

from backoffice.runs.registry import JOBS  # noqa: E402
from tests.runs import toy  # noqa: E402

if __name__ == "__main__":
    JOBS["toy"] = "tests.runs.toy.TOY"
    toy.world.before_chunk = lambda numbers: time.sleep(float(sys.argv[1]))
    call_command("work", *sys.argv[2:])
