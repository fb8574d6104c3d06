"""What the last complete nights have shown of each step: the figures that claims/advice.py reckons with."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Count, Sum

from backoffice.runs.models import Run, RunStatus, StepPart
from claims.advice import Advice, Measured, advise
from claims.jobs import RUN_PIPELINE
from claims.models import Restoration, StepSetting
from claims.pace import NIGHTS_LOOKED_AT, states_of, workers_at_once
from regions.models import Region

ADJUDICATE = "adjudicate"
# To tell lines from checkpoints takes parts of many checkpoints, some of them so much longer than others.
LEAST_CHECKPOINTS, LEAST_SPREAD = 5, 1.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """A part of a night. `commits`: seconds of its commits but for the last one. `images`: before images it wrote."""

    chain: object
    lines: int
    checkpoints: int
    seconds: float
    commits: float
    images: int


def advice_of(regions: Iterable[Region]) -> dict[str, Advice]:
    """By step, in their order, from the last complete nights of these regions."""
    runs = Run.objects.filter(job=RUN_PIPELINE.name, region__in=list(regions), status=RunStatus.COMPLETE)
    runs = runs.order_by("-ended_at")[:NIGHTS_LOOKED_AT]
    at_once = max((workers_at_once(states_of(run)) for run in runs), default=1.0)
    samples = _samples(list(runs))
    restores = _restores(regions)
    frequencies = dict(StepSetting.objects.values_list("step", "commit_frequency"))
    return {
        step.name: advise(_measured(step.name, samples.get(step.name, []), at_once, restores), frequencies[step.name])
        for step in RUN_PIPELINE.steps
    }


def _samples(runs: Sequence[Run]) -> dict[str, list[Sample]]:
    found: dict[str, list[Sample]] = {}
    parts = StepPart.objects.filter(step__chain__in=[run.chain for run in runs], seconds__gt=0, checkpoint_number__gt=0)
    for part in parts.select_related("step"):
        sample = Sample(
            chain=part.step.chain, lines=int(part.totals.get("in", 0)), checkpoints=part.checkpoint_number,
            seconds=part.seconds, commits=part.commit_seconds, images=int((part.checkpoint or {}).get("images", 0)),
        )  # fmt: skip
        if sample.lines:
            found.setdefault(part.step.name, []).append(sample)
    return found


def _restores(regions: Iterable[Region]) -> tuple[int, float]:
    """How often accumulators were put back, and the seconds of one image."""
    rows = Restoration.objects.filter(night__region__in=list(regions))
    found = rows.aggregate(times=Count("pk"), images=Sum("images"), seconds=Sum("seconds"))
    return found["times"], found["seconds"] / found["images"] if found["images"] else 0.0


def _measured(step: str, samples: Sequence[Sample], at_once: float, restores: tuple[int, float]) -> Measured | None:
    if not samples:
        return None
    by_night: dict[object, list[Sample]] = {}
    for sample in samples:
        by_night.setdefault(sample.chain, []).append(sample)
    most = max(sum(part.lines for part in parts) for parts in by_night.values())
    lines, seconds = sum(part.lines for part in samples), sum(part.seconds for part in samples)
    told = per_checkpoint_of(samples)
    spent = (told[0] if told else 0.0) * sum(part.checkpoints for part in samples)
    times, per_image = restores if step == ADJUDICATE else (0, 0.0)
    return Measured(
        step=step, nights=len(by_night), lines=most, per_line=max(0.0, seconds - spent) / lines,
        per_checkpoint=told[0] if told else None, alone=bool(told and told[1]),
        restore_per_line=per_image * sum(part.images for part in samples) / lines if times else None, restores=times,
        at_once=min(at_once, max(len(parts) for parts in by_night.values())),
    )  # fmt: skip


def per_checkpoint_of(samples: Sequence[Sample]) -> tuple[float, bool] | None:
    """(seconds of a checkpoint, whether those are its commit's alone). Parts that committed at different frequencies
    tell the whole of it, by least squares of seconds over lines and checkpoints; the commits' own seconds the rest."""
    many = [part for part in samples if part.checkpoints >= LEAST_CHECKPOINTS]
    lengths = [part.lines / part.checkpoints for part in many]
    if many and max(lengths) >= LEAST_SPREAD * min(lengths) and (fitted := _fitted(many)) is not None:
        return fitted, False
    timed = sum(part.checkpoints - 1 for part in samples if part.commits)
    return (sum(part.commits for part in samples) / timed, True) if timed else None


def _fitted(samples: Sequence[Sample]) -> float | None:
    """Seconds of a checkpoint in seconds = lines * a + checkpoints * b; None where that explains nothing."""
    ll = sum(float(part.lines) ** 2 for part in samples)
    lk = sum(float(part.lines) * part.checkpoints for part in samples)
    kk = sum(float(part.checkpoints) ** 2 for part in samples)
    lt = sum(part.lines * part.seconds for part in samples)
    kt = sum(part.checkpoints * part.seconds for part in samples)
    determinant = ll * kk - lk * lk
    if not determinant:
        return None
    per_line, per_checkpoint = (lt * kk - kt * lk) / determinant, (ll * kt - lk * lt) / determinant
    return per_checkpoint if per_line >= 0 and per_checkpoint > 0 else None
