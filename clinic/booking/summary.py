"""The visit summary: each appointment of a period, and how many of them ended how (contract S3-15)."""

from clinic.booking.models import Appointment
from clinic.booking.states import State
from clinic.reports.kinds import Column, Kind, Period, Table, at_most, by_state, word_of
from regions.models import Region


def visits(region: Region, period: Period, most: int) -> Table:
    """By when they begin; times are the region's."""
    begins, ends = period.instants(region)
    rows = Appointment.objects.filter(region=region, begins__gte=begins, begins__lt=ends)
    found = at_most(rows.select_related("type", "patient").order_by("begins", "pk"), most)
    return Table(
        rows=[
            (
                f"{row.begins.astimezone(region.zone):%Y-%m-%d %H:%M}", row.pk, row.external_id,
                row.patient.external_id, row.type.name,
                int((row.ends - row.begins).total_seconds()) // 60, word_of(State(row.state)),
            )
            for row in found
        ],
        totals=[("Visits", len(found)), *by_state(found, State)],
    )  # fmt: skip


VISITS = Kind(
    name="visits",
    title="Visit summary",
    columns=(
        Column(title="Begins", share=3),
        Column(title="Appointment"),
        Column(title="Hospital's appointment", share=3),
        Column(title="Patient", share=3),
        Column(title="Type", share=4),
        Column(title="Minutes", share=1, figure=True),
        Column(title="State"),
    ),
    table=visits,
)
