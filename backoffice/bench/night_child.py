"""What runs inside a measured process of the claims benchmark: `python -m backoffice.bench.night_child SPEC` (JSON).

{"do": "night", "frequency": n or 0 (as set), "partitions": n, "without": whether checkpoints and before images are left
out, "die": step at nine tenths of which the process kills itself}; {"do": "restart"}: the last run's next step, timed
from the first statement to the step's end, with the program loaded as it is for a step from scratch, and the rest of
the night, or with "die" up to nine tenths of that step; {"do": "undo"} of the last run, {"seconds"}; {"do": "times"}:
{"status", "seconds", "steps", "read", "paid", "outcomes"}, of a night "peaks" as well.
"""

import json
import os
import resource
import signal
import sys
import time
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from typing import Any

import django

REGION, RUN_DATE, JOB = "bench", "2024-01-15", "run_pipeline"
Json = dict[str, Any]


def main(text: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
    django.setup()
    spec = json.loads(text)
    said = {"night": night, "restart": restart, "undo": undo, "times": times}[spec["do"]](spec)
    sys.stdout.write(json.dumps(said) + "\n")


def night(spec: Json) -> Json:
    from backoffice.runs.control import start_run
    from claims.models import StepSetting
    from regions.models import Region

    if spec.get("frequency"):
        StepSetting.objects.update(commit_frequency=spec["frequency"])
    if spec.get("without"):
        leave_out()
    if spec.get("die"):
        die_in(spec["die"])
    parameters = {"run_date": RUN_DATE, "partitions": spec.get("partitions", 1)}
    run = start_run(JOB, region=Region.objects.get(name=REGION), parameters=parameters, attended=True)
    peaks = work_to_the_end(run)
    return {**times(spec), "peaks": peaks}


def work_to_the_end(run: Any, steps: int = 99) -> dict[str, int]:
    """Step → the most memory that this process had until its end, in KiB."""
    from backoffice.runs.kernel import work
    from backoffice.runs.state import waiting_parts

    peaks = {}
    while steps and (part := waiting_parts().filter(run=run).first()):
        work(part.pk)
        peaks[part.step.name] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        steps -= 1
    return peaks


def leave_out() -> None:
    """The same work in one transaction a part: no before images, no fences, nothing committed on the way."""
    from django.db import transaction

    from backoffice.runs import kernel, parts
    from backoffice.runs.models import StepPart
    from backoffice.runs.registry import job_named
    from claims.pipeline import accumulators

    job, work_part, complete = job_named(JOB), kernel._work_part, parts.complete
    figures: Json = {}
    bare = replace(job, steps=tuple(replace(step, intend=None) for step in job.steps))

    def in_one(*arguments: Any) -> None:
        with transaction.atomic():
            work_part(*arguments)

    def unfenced(part: Any, **changes: Any) -> nullcontext[None]:
        figures.update(changes)
        return nullcontext()

    def completed(part: Any, verify: Any) -> None:
        StepPart.objects.filter(pk=part.pk).update(**figures)
        complete(part, verify)

    swapped = {"job_named": lambda name: bare, "_fenced": unfenced, "_work_part": in_one}
    for name, function in swapped.items():
        setattr(kernel, name, function)
    setattr(parts, "complete", completed)  # noqa: B010
    setattr(accumulators, "fenced", lambda part: nullcontext())  # noqa: B010 (mypy refuses the plain assignment)


def die_in(step: str) -> None:
    from backoffice.runs import kernel

    commit = kernel._commit

    def dying(part: Any, job: Any, own: Any, opened: Any, result: Any, chunk: Any, clock: Any) -> None:
        if own.name == step and chunk is not None and chunk.done >= 0.9 * chunk.of:
            os.kill(os.getpid(), signal.SIGKILL)
        commit(part, job, own, opened, result, chunk, clock)

    setattr(kernel, "_commit", dying)  # noqa: B010


def restart(spec: Json) -> Json:
    from django.utils import timezone

    from backoffice.runs.control import abandon_stale_runs, restart_run
    from backoffice.runs.models import Run, StepPart, StepState
    from backoffice.runs.registry import job_named

    import_module("polars")
    job_named(JOB)
    long_ago = timezone.now() - timedelta(hours=1)
    StepPart.objects.filter(heartbeat_at__isnull=False).update(heartbeat_at=long_ago)
    Run.objects.update(created_at=long_ago)
    began = time.perf_counter()
    abandon_stale_runs()
    run = restart_run(Run.objects.latest("pk"), attended=True)
    work_to_the_end(run, steps=1)
    seconds = time.perf_counter() - began
    if spec.get("die"):
        sys.stdout.write(json.dumps({"seconds": seconds}) + "\n")
        sys.stdout.flush()
        die_in(spec["die"])
    work_to_the_end(run)
    done = StepState.objects.filter(chain=run.chain, status="complete").count()
    return {"seconds": seconds, "complete": done == StepState.objects.filter(chain=run.chain).count()}


def undo(spec: Json) -> Json:
    from backoffice.runs.control import undo_run
    from backoffice.runs.models import Run

    began = time.perf_counter()
    undo_run(Run.objects.latest("pk"))
    return {"seconds": time.perf_counter() - began}


def times(spec: Json) -> Json:
    from backoffice.runs.models import Run, StepState
    from backoffice.runs.report import run_report

    run = Run.objects.latest("pk")
    states = StepState.objects.filter(chain=run.chain, ended_at__isnull=False)
    steps = {
        each.name: (each.ended_at - each.started_at).total_seconds()
        for each in states
        if each.started_at and each.ended_at
    }
    paid = {state.name: state.outputs for state in states}.get("adjudicate", {}).get("adjudicated", {}).get("cents", 0)
    report = run_report(run)
    return {
        "status": run.status, "detail": run.detail, "read": report["read"], "paid": paid, "steps": steps,
        "outcomes": report["outcomes"],
        "seconds": (run.ended_at - run.started_at).total_seconds() if run.ended_at and run.started_at else 0,
    }  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1])
