"""One dictionary that says everything of a run: --json, the API and the admin all show this one.

Figures are those of the chain, committed ones only.
"""

from collections import Counter
from decimal import Decimal
from typing import Any

import structlog
from django.db.models import Count
from django.utils import timezone

from backoffice.runs.accounts import add_totals
from backoffice.runs.job import Json
from backoffice.runs.models import Failure, Run, StepPart
from backoffice.runs.registry import job_named

log = structlog.get_logger(__name__)
CACHE_FIGURES = ("calls", "hits", "joins", "failures", "reasked")


def log_ended(run: Run) -> None:
    """One line that says how the run ended, and by category and reason what it could not do [S0-21]."""
    report = run_report(run)
    failures = {category: dict(without_codes(counts)) for category, counts in report["failures"].items()}
    said = {name: report[name] for name in ("status", "reason", "read", "outcomes", "totals", "money", "seconds")}
    log.info("run_ended", **said, failures=failures)


def run_report(run: Run) -> Json:
    """Everything of the run's chain, as plain JSON types; money as decimal text.

    Keys: id, job, key, region, status, reason, detail, attempt, parameters, correlation_id, read, outcomes,
    failures {category: {reason: n}}, totals, money, calls, cache, seconds (worked), progress, and the three times;
    result, where the job has one of its own.
    """
    parts = list(StepPart.objects.filter(step__chain=run.chain).select_related("step"))
    outcomes: Counter[str] = Counter()
    totals: Json = {}
    for part in parts:
        outcomes.update(part.outcomes)
        totals = add_totals(totals, {name: _number(value) for name, value in part.totals.items()})
    report = {
        "id": run.pk,
        "job": run.job,
        "key": run.key,
        "region": run.region.name if run.region else None,
        "status": run.status,
        "reason": run.reason if not run.live else "",
        "detail": run.detail,
        "attempt": run.attempt,
        "parameters": run.parameters,
        "correlation_id": run.correlation_id,
        "read": sum(part.read for part in parts),
        "outcomes": dict(sorted(outcomes.items())),
        "failures": failure_counts(run),
        "totals": {name: value for name, value in sorted(totals.items()) if "." not in name and isinstance(value, int)},
        "money": {name: value for name, value in sorted(totals.items()) if isinstance(value, str)},
        "calls": {name.removeprefix("calls."): n for name, n in sorted(totals.items()) if name.startswith("calls.")},
        "cache": _cache(totals),
        "seconds": round(sum(part.seconds for part in parts), 3),
        "progress": progress(run, parts),
        "created_at": run.created_at.isoformat(),
        "started_at": run.started_at and run.started_at.isoformat(),
        "ended_at": run.ended_at and run.ended_at.isoformat(),
    }
    job = job_named(run.job)
    return report | ({"result": job.result(run, report)} if job.result else {})


def failure_counts(run: Run) -> dict[str, dict[str, int]]:
    """{category: {reason: n}} of the chain, most frequent reason first."""
    counts: dict[str, dict[str, int]] = {}
    rows = Failure.objects.filter(run__chain=run.chain).values_list("category", "reason").annotate(n=Count("id"))
    for category, reason, n in sorted(rows, key=lambda row: (row[0], -row[2], row[1])):
        counts.setdefault(category, {})[reason] = n
    return counts


def without_codes(counts: dict[str, int]) -> list[tuple[str, int]]:
    """Reasons without their block codes, added up: ten codes of one fault are one line."""
    sums: dict[str, int] = {}
    for reason, number in counts.items():
        words = sorted({part.rpartition(":")[2] for part in reason.split(";")})
        sums["; ".join(words)] = sums.get("; ".join(words), 0) + number
    return sorted(sums.items(), key=lambda item: (-item[1], item[0]))


def progress(run: Run, parts: list[StepPart]) -> Json:
    """Share done, rate and time left, from committed counters: items a second over the seconds worked."""
    begun = [part for part in parts if part.of]
    done, of = sum(part.done for part in begun), sum(part.of for part in begun)
    share = done / of if of else 0.0
    seconds = sum(part.seconds for part in parts)
    read = sum(part.read for part in parts)
    return {
        "done": done,
        "of": of,
        "share": round(share, 4),
        "label": "; ".join(part.label for part in begun if part.label),
        "rate_per_second": round(read / seconds, 1) if seconds else None,
        "seconds_left": round(seconds * (1 - share) / share) if share and run.live else None,
        "heartbeat_age": _heartbeat_age(parts) if run.live else None,
    }


def _heartbeat_age(parts: list[StepPart]) -> int | None:
    beats = [part.heartbeat_at for part in parts if part.heartbeat_at]
    return round((timezone.now() - max(beats)).total_seconds()) if beats else None


def _cache(totals: Json) -> dict[str, dict[str, int]]:
    kinds = sorted({name.split(".")[1] for name in totals if name.startswith("cache.")})
    return {kind: {figure: totals.get(f"cache.{kind}.{figure}", 0) for figure in CACHE_FIGURES} for kind in kinds}


def _number(value: Any) -> int | Decimal:
    return value if isinstance(value, int) else Decimal(value)
