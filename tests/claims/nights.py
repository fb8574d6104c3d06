"""Nights in the database as runs leave them, without computing any: make_night(region, run_date, ...)."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from backoffice.runs.models import Run, StepPart, StepState
from claims.jobs import RUN_PIPELINE, pipeline_key
from claims.models import Night, StagedBatch
from regions.models import Region

STEPS = [step.name for step in RUN_PIPELINE.steps]
SECONDS = {"extract": 25 * 60, "validate": 40 * 60, "enrich": 55 * 60, "price": 70 * 60, "adjudicate": 90 * 60}


def make_run(region: Region, run_date: date, **fields: Any) -> Run:
    parameters = {"run_date": run_date.isoformat(), "partitions": 1}
    values = {"status": "complete", "reason": "", "attempt": 1}
    key = pipeline_key(region, parameters)
    return Run.objects.create(
        **{**values, "job": "run_pipeline", "key": key, "region": region, "parameters": parameters, **fields}
    )


def make_night(
    region: Region,
    run_date: date,
    *,
    lines: int = 2_800_000,
    begins: datetime | None = None,
    speed: float = 1.0,
    upto: str = "",
    share: float = 0.5,
    **fields: Any,
) -> Night:
    """A night whose steps took the default times divided by `speed`; with `upto`, it is at `share` of that step."""
    at = begins or datetime(2026, 3, 3, 4, tzinfo=UTC)
    run = make_run(region, run_date, **fields)
    StagedBatch.objects.create(region=region, source="a test", lines=lines, run_date=run_date)
    reached = False
    for sequence, name in enumerate(STEPS):
        whole = SECONDS.get(name, 20 * 60) / speed * lines / 2_800_000
        here = name == upto
        part = share if here else 0.0 if reached else 1.0
        at = _step(run, sequence, name, part, lines, whole, at)
        reached = reached or here
    return Night.objects.create(region=region, run_date=run_date, chain=run.chain, partitions=1)


def _step(run: Run, sequence: int, name: str, share: float, lines: int, whole: float, at: datetime) -> datetime:
    ended = at + timedelta(seconds=whole * share)
    working = {"running": "running", "queued": "running"}.get(run.status, "failed")
    state = StepState.objects.create(
        chain=run.chain, job=run.job, key=run.key, name=name, sequence=sequence,
        status="complete" if share == 1 else working if share else "pending",
        predecessors=dict.fromkeys(STEPS[:sequence], 0) if share else {},
        started_at=at if share else None, ended_at=ended if share == 1 else None,
        outputs=figures(name, lines) if share == 1 else {},
    )  # fmt: skip
    StepPart.objects.create(
        step=state, run=run, status="complete" if share == 1 else "running" if working == "running" else "pending",
        heartbeat_at=ended if share else None, done=lines * share, of=lines if share else 0, seconds=whole * share,
        totals={"in": int(lines * share)}, label=f"{int(lines * share):,} lines" if share else "",
    )  # fmt: skip
    return ended


def figures(name: str, lines: int) -> dict[str, Any]:
    """Control figures as verification leaves them."""
    row = {"count": lines, "cents": lines * 100, "billed": lines * 100, "hash": 7, "key": 7, "digest": "ab" * 32}
    empty = {**row, "count": 0, "cents": 0, "billed": 0}
    outputs: dict[str, dict[str, Any]] = {
        "extract": {"extract": row},
        "validate": {"valid": row, "reject": empty},
        "enrich": {"enriched": row},
        "price": {"priced": row, "pricing_audit": row},
        "adjudicate": {"adjudicated": row, "accumulators": {"count": 12}},
        "remit": {"remittance": row},
    }
    return outputs[name]
