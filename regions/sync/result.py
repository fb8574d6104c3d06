"""The result of a sync as whoever started it is told it, field by field (contract S1-10, S1-11)."""

from typing import Final

from backoffice.runs.job import Json
from backoffice.runs.models import Failure, Run, RunStatus
from regions.sync import verdict

MOST_ERRORS: Final = 100
FATAL: Final = (RunStatus.FAILED, RunStatus.ERRORED, RunStatus.ABANDONED)
COUNTERS: Final = ("successful_updates", "failed_updates", "patients_not_found", "invalid_phones", "batches_processed")


def result_of_run(run: Run, report: Json) -> Json:
    """status: success, or error after a fatal fault, whose `message` says it; the figures are whole either way.

    errors: a line for each row that failed, by its row since an identifier is a patient's; the first hundred.
    """
    fatal = run.status in FATAL
    return {
        "status": "error" if fatal else "success",
        "total_records": report["read"],
        **{name: report["totals"].get(name, 0) for name in COUNTERS},
        "processing_time_minutes": round(report["seconds"] / 60, 2),
        "errors": [
            _line(failure) for failure in Failure.objects.filter(run__chain=run.chain).order_by("pk")[:MOST_ERRORS]
        ],
        "message": f"Processing failed: {run.detail or run.reason or run.status}" if fatal else "",
    }


def _line(failure: Failure) -> str:
    """Row 12: patient not found."""
    said = verdict.in_words(failure.category, failure.reason)
    return f"{failure.reference.capitalize()}: {said}"
