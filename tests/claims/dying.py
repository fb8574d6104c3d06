"""A night that kills itself: python -m tests.claims.dying REGION PARTITIONS FUNCTION MOMENT TIMES [ABOUT].

It begins the night or goes on with it, and dies before or after the so manieth call of FUNCTION (module:name), counting
only calls that are about the step or file ABOUT.
"""

import os
import signal
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

import django


def main(region: str, partitions: str, function: str, moment: str, times: str, about: str = "") -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
    django.setup()
    from regions.models import Region
    from tests.claims.folders import run_night

    if moment not in ("before", "after"):
        raise SystemExit("MOMENT is before or after")
    die_at(function, moment, int(times), about)
    run = run_night(Region.objects.get(name=region), partitions=int(partitions))
    raise SystemExit(f"did not die: {run.status} {run.detail}")


def die_at(path: str, moment: str, times: int, about: str) -> None:
    module_name, _, name = path.partition(":")
    module = import_module(module_name)
    function: Callable[..., Any] = getattr(module, name)
    calls = 0

    def dying(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += any(about in subject(argument) for argument in arguments)
        if calls == times and moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = function(*arguments, **named)
        if calls == times:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    setattr(module, name, dying)


def subject(argument: Any) -> str:
    """The step of a part or of its work, else what a text says."""
    part = getattr(argument, "part", argument)
    step = getattr(part, "step", None)
    return str(getattr(step, "name", "")) or (argument if isinstance(argument, str) else "")


if __name__ == "__main__":
    main(*sys.argv[1:])
