"""The eligibility history: each report that a payer was asked for in a period, and the calls (contract S3-15)."""

from clinic.care.models import EligibilityReport
from clinic.care.models.eligibility import Coverage
from clinic.reports.kinds import Column, Kind, Period, Table, at_most, by_state, word_of
from regions.models import Region

State = EligibilityReport.State


def history(region: Region, period: Period, most: int) -> Table:
    """By when they were asked for; a payer's words are not in it."""
    begins, ends = period.instants(region)
    rows = EligibilityReport.objects.filter(region=region, asked_at__gte=begins, asked_at__lt=ends)
    found = at_most(rows.select_related("patient", "information").order_by("asked_at", "pk"), most)
    return Table(
        rows=[
            (
                f"{row.asked_at.astimezone(region.zone):%Y-%m-%d %H:%M}", f"{row.month:%Y-%m}", row.patient.external_id,
                row.information.payer_code, row.information.payer_name, word_of(State(row.state)),
                Coverage(row.coverage).label if row.coverage else "", row.code, row.calls,
            )
            for row in found
        ],
        totals=[
            ("Reports", len(found)),
            ("Calls", sum(row.calls for row in found)),
            *by_state(found, State),
        ],
    )  # fmt: skip


ELIGIBILITY = Kind(
    name="eligibility",
    title="Eligibility history",
    columns=(
        Column(title="Asked", share=3),
        Column(title="Month"),
        Column(title="Patient", share=3),
        Column(title="Payer's code"),
        Column(title="Payer", share=3),
        Column(title="State"),
        Column(title="Insurance"),
        Column(title="Code"),
        Column(title="Calls", share=1, figure=True),
    ),
    table=history,
)
