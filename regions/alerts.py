"""What may be wrong with a phone sync, for backoffice.runs.alerts: its rows fail, though the run goes on [S1-30]."""

from collections.abc import Iterator
from typing import Final

from backoffice.formats import words
from backoffice.runs.alerts import Wrong
from backoffice.runs.models import Run
from backoffice.runs.report import run_report
from regions.models import Region
from regions.sync import verdict

JUDGED: Final = 20  # rows; fewer say nothing
MOST_FAILED: Final = 0.5


def failing_syncs() -> Iterator[Wrong]:
    """The last writing sync of a region, running or done, failed at more than half of its rows."""
    for region in Region.objects.order_by("pk"):
        run = Run.objects.filter(job="sync_phones", region=region, exclusive=True).order_by("-pk").first()
        if run is None:
            continue
        report = run_report(run)
        failed = sum(n for outcome, n in report["outcomes"].items() if outcome not in verdict.GOOD)
        if report["read"] >= JUDGED and failed > report["read"] * MOST_FAILED:
            most = max(report["failures"], key=lambda category: sum(report["failures"][category].values()))
            yield Wrong(
                kind="rows",
                key=f"sync_phones/{region.name}",
                message=(
                    f"Phone sync for {region.display_name}: {failed:,} of {report['read']:,} rows of run {run.pk}"
                    f" failed, most of them: {words(most)}. Open the run's page: its outcomes lead to the rows."
                ),
                region=region,
                run=run,
            )
