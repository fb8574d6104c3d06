"""One attempt at a night, in a process of its own that may be killed. What it came to it writes into its home.

SPEC: {"do": "load", "night" or "undo", "claims": folder, "lines": n, "partitions": n, "run_date": day,
"every": {step: commit frequency}, "fault": {...} or null, "from_step": step, "count": whether to count commits,
"look": whether to say what was found before}.
"""

import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from backoffice.lab import commits, faults
from backoffice.lab.snapshot import snapshot
from backoffice.runs.control import abandon_stale_runs, restart_run, start_run, undo_run
from backoffice.runs.kernel import work
from backoffice.runs.models import Run, StepPart
from backoffice.runs.state import waiting_parts
from claims.models import StepSetting
from claims.pipeline.load import load
from regions.models import Region

REGION, SAID = "lab", "said.json"
Spec = dict[str, Any]


def attempt(spec: Spec) -> None:
    last = Run.objects.order_by("-pk").first()
    found = snapshot(last) if spec["look"] and last else {}
    if spec["fault"]:
        faults.arm(spec["fault"], spec["lines"], spec["partitions"])
    elif spec["count"]:
        commits.count_commits()
    begun = time.monotonic()
    run = DO[spec["do"]](spec, last)
    seconds = time.monotonic() - begun
    said: dict[str, Any] = {
        "seconds": round(seconds, 3),
        "commits": commits.commits,
        "found": found,
        "status": "loaded",
    }
    if run is not None:
        run.refresh_from_db()
        said |= {"status": run.status, "reason": run.reason, "detail": run.detail}
        if spec["do"] == "night" and run.status == "complete":
            said["snapshot"] = snapshot(run)
    (Path(settings.NIGHTWARD_HOME) / SAID).write_text(json.dumps(said), encoding="utf-8")


def load_claims(spec: Spec, last: Run | None) -> None:
    load(Path(spec["claims"]), Region.objects.create(name=REGION, time_zone="America/Chicago"))


def night(spec: Spec, last: Run | None) -> Run:
    """Begun, or continued; a worker that was killed has not been heard of for an hour."""
    long_ago = timezone.now() - timedelta(hours=1)
    StepPart.objects.filter(heartbeat_at__isnull=False).update(heartbeat_at=long_ago)
    Run.objects.update(created_at=long_ago)
    abandon_stale_runs()
    for step, frequency in spec["every"].items():
        StepSetting.objects.filter(step=step).update(commit_frequency=frequency)
    if last is not None and Run.objects.get(pk=last.pk).status == "complete" and not spec["from_step"]:
        return last  # killed right after its last commit
    run = _start(spec) if last is None else restart_run(last, attended=True, from_step=spec["from_step"])
    while part := waiting_parts().filter(run=run).first():
        commits.now_in(part.step.name)
        work(part.pk)
    return run


def _start(spec: Spec) -> Run:
    parameters = {"run_date": spec["run_date"], "partitions": spec["partitions"]}
    region = Region.objects.get(name=REGION)
    return start_run("run_pipeline", region=region, parameters=parameters, attended=True)


def undo(spec: Spec, last: Run | None) -> Run:
    if last is None:
        raise RuntimeError("There is no night to undo.")
    commits.now_in("undo")
    return undo_run(last)


DO = {"load": load_claims, "night": night, "undo": undo}
