"""The billing summary: each claim of a period with its dollars (contract S3-15). Money is Decimal dollars, exact."""

from collections import Counter
from decimal import Decimal

from billing.models import Claim
from clinic.reports.kinds import Column, Kind, Period, Table, at_most
from regions.models import Region

MONEY = ("charge", "paid", "share")


def billed(region: Region, period: Period, most: int) -> Table:
    """By the first day of service. Versions that were replaced, and what was withdrawn, are left out of it."""
    rows = Claim.objects.filter(
        region=region, first_day__gte=period.begins, first_day__lt=period.ends, withdrawn=False
    ).exclude(versions__withdrawn=False)
    found = at_most(rows.defer("content").order_by("first_day", "pk"), most)
    states = Counter(row.state for row in found)
    charge, paid, share = (sum((getattr(row, name) for row in found), Decimal("0.00")) for name in MONEY)
    return Table(
        rows=[
            (
                row.first_day.isoformat(), row.control, row.patient_id, row.payer_id, row.appointment_id,
                row.state.replace("_", " "), row.charge, row.paid, row.share,
            )
            for row in found
        ],
        totals=[
            ("Claims", len(found)),
            ("Charged", charge),
            ("Paid", paid),
            ("Patients' share", share),
            *((f"Claims {state.replace('_', ' ')}", number) for state, number in sorted(states.items())),
        ],
    )  # fmt: skip


BILLING = Kind(
    name="billing",
    title="Billing summary",
    columns=(
        Column(title="First day"),
        Column(title="Claim", share=3),
        Column(title="Patient", share=3),
        Column(title="Payer's id"),
        Column(title="Hospital's appointment", share=3),
        Column(title="State"),
        Column(title="Charged", figure=True),
        Column(title="Paid", figure=True),
        Column(title="Patient's share", figure=True),
    ),
    table=billed,
)
