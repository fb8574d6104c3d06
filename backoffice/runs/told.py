"""What is said of a part while it is worked: the ids in each log line, and its span."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from opentelemetry.trace import SpanKind

from backoffice.runs.models import Run, RunStatus, StepPart
from backoffice.telemetry import tracing


@contextmanager
def told(part: StepPart) -> Iterator[None]:
    """Around the work of one part, in the trace of what has started the run."""
    run = part.run
    ids: dict[str, str | int] = {"correlation_id": run.correlation_id, "run": run.pk, "job": run.job, "part": part.pk}
    attributes = {f"nightward.{name}": value for name, value in ids.items()}
    name = f"run {run.job}/{part.step.name}"
    with (
        structlog.contextvars.bound_contextvars(**ids),
        tracing.span(name, kind=SpanKind.CONSUMER, parent=run.traceparent, attributes=attributes) as current,
    ):
        yield
        if current.is_recording():
            status = Run.objects.filter(pk=run.pk).values_list("status", flat=True).first()
            current.set_attribute("nightward.run.status", str(status))
            if status in (RunStatus.FAILED, RunStatus.ERRORED):
                tracing.failed(current, str(status))
