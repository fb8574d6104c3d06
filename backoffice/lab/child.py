"""One attempt at a night in a process of its own: SPEC (JSON). Prints what it came to as JSON, if it lives to say so.

SPEC: {"load": folder or null, "region": name, "run_date": day, "partitions": n, "frequency": {step: n},
"fault": {...} or null, "from_step": step, "lines": n, "count": whether to count commits}.
"""

import json
import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import django


def main(text: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
    django.setup()
    spec = json.loads(text)
    from backoffice.lab import faults

    if spec.get("load"):
        begin(spec)
    if spec.get("fault"):
        faults.arm(spec["fault"], spec["lines"], spec["partitions"])
    elif spec.get("count"):
        faults.count_commits()
    run = start(spec) if spec.get("load") else go_on(spec)
    work_to_the_end(run)
    from backoffice.lab.snapshot import snapshot

    run.refresh_from_db()
    said = {"status": run.status, "reason": run.reason, "detail": run.detail, "commits": len(faults.commits)}
    sys.stdout.write(json.dumps({**said, "snapshot": snapshot(run) if run.status == "complete" else None}) + "\n")


def begin(spec: dict[str, Any]) -> None:
    """The region with its claims, and how often each step commits."""
    from claims.models import StepSetting
    from claims.pipeline.load import load
    from regions.models import Region

    region = Region.objects.create(name=spec["region"], time_zone="America/Chicago")
    for step, frequency in spec["frequency"].items():
        StepSetting.objects.filter(step=step).update(commit_frequency=frequency)
    load(Path(spec["load"]), region)


def start(spec: dict[str, Any]) -> Any:
    from backoffice.runs.control import start_run
    from regions.models import Region

    parameters = {"run_date": spec["run_date"], "partitions": spec["partitions"]}
    region = Region.objects.get(name=spec["region"])
    return start_run("run_pipeline", region=region, parameters=parameters, attended=True)


def go_on(spec: dict[str, Any]) -> Any:
    """The next attempt; a worker that was killed has not been heard of for an hour."""
    from django.utils import timezone

    from backoffice.runs.control import abandon_stale_runs, restart_run
    from backoffice.runs.models import Run, StepPart

    long_ago = timezone.now() - timedelta(hours=1)
    StepPart.objects.filter(heartbeat_at__isnull=False).update(heartbeat_at=long_ago)
    Run.objects.update(created_at=long_ago)
    abandon_stale_runs()
    last = Run.objects.order_by("-pk").first()
    if last is None:  # killed before it was written down that there is a run
        return start(spec)
    if last.status == "complete" and "from_step" not in spec:  # killed right after its last commit
        return last
    return restart_run(last, attended=True, from_step=spec.get("from_step", ""))


def work_to_the_end(run: Any) -> None:
    from backoffice.runs.kernel import work
    from backoffice.runs.state import waiting_parts

    while part := waiting_parts().filter(run=run).first():
        work(part.pk)


if __name__ == "__main__":
    main(sys.argv[1])
