"""Fills a database with a worklist of any size: a few thousand different rows, then copies of them by one statement."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from uuid import uuid4

from django.contrib.auth.models import Group, User
from django.db import connection

from backoffice.runs.models import Run, RunStatus
from clinic.models import MissingService, MissingServiceStatus
from regions.models import Region

REGIONS = 10
STAFF_REGIONS = 2
DIFFERENT = 5_000
STATUSES = (*(["open"] * 40), *(["closed"] * 50), *(["dismissed"] * 5), *(["found"] * 5))
MASTERS = 40
# (category, reason, weight); "lookup" is the rare one that a filter has to look for.
FAULTS = (
    ("master_data", "no_cost_center", 350),
    ("appointment_data", "missing_case", 250),
    ("service_block", "B-100:retired_block", 250),
    ("validation", "CASE_CLOSED", 149),
    ("lookup", "case", 1),
)


def fill(rows: int) -> None:
    """`rows` rows of REGIONS regions, a superuser "all", and "finance" with STAFF_REGIONS of the regions."""
    regions = [
        Region.objects.create(name=f"region-{k}", display_name=f"Region {k}", time_zone="America/Chicago")
        for k in range(REGIONS)
    ]
    User.objects.create(username="all", is_staff=True, is_superuser=True)
    finance = User.objects.create(username="finance", is_staff=True)
    finance.groups.add(Group.objects.get_or_create(name="finance")[0])
    finance.regions.set(regions[:STAFF_REGIONS])
    different = min(rows, DIFFERENT)
    MissingService.objects.bulk_create(
        _different(different, [(region, _run(region)) for region in regions]), batch_size=500
    )
    if rows > different:
        _copy(rows // different - 1)
    _settle()


def _different(number: int, owners: list[tuple[Region, Run]]) -> Iterator[MissingService]:
    random, now = Random(1), datetime.now(UTC)  # noqa: S311 (made-up rows)
    for k in range(number):
        region, run = owners[k % len(owners)]
        category, reason = random.choices([fault[:2] for fault in FAULTS], [fault[2] for fault in FAULTS])[0]
        start = now - timedelta(minutes=random.randrange(400 * 24 * 60))
        department, stake = f"D-{random.randrange(MASTERS)}", Decimal(random.randrange(2_000, 90_000)) / 100
        yield MissingService(
            region=region, run=run, appointment_id=f"A-{k:06d}", start=start, department_id=department,
            patient_id=f"P-{k:06d}", type_code="NEW", status=MissingServiceStatus(random.choice(STATUSES)),
            outcome="failed", category=category, reasons=reason, missing="B-100x1;B-200x2", at_stake=stake,
            filing_deadline=(start + timedelta(days=365)).date(), priority=stake * random.randrange(1, 500) / 100,
            blocked_by=f"cost_center:{department}" if category == "master_data" else "",
        )  # fmt: skip


def _run(region: Region) -> Run:
    return Run.objects.create(
        job="recover_services", key=region.name, region=region, chain=uuid4(), status=RunStatus.COMPLETE, reason="",
        correlation_id=uuid4().hex, started_at=datetime.now(UTC), ended_at=datetime.now(UTC),
        parameters={"from": "2024-01-01", "to": "2024-02-01", "window": 7, "chunk": 200, "mode": "write"},
    )  # fmt: skip


def _copy(times: int) -> None:
    """Every row `times` more, each copy another appointment with another priority."""
    quote = connection.ops.quote_name
    table = quote(MissingService._meta.db_table)
    columns = [quote(str(field.column)) for field in MissingService._meta.concrete_fields if not field.primary_key]
    changed = {
        quote("appointment_id"): "appointment_id || '-' || CAST(n AS TEXT)",
        quote("priority"): "priority + (n * 7919) % 977",
    }
    values = [changed.get(column, column) for column in columns]
    counter = f"WITH RECURSIVE copies(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM copies WHERE n < {times:d})"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) {counter} SELECT {', '.join(values)} FROM {table}, copies"  # noqa: S608
        )


def _settle() -> None:
    """What PostgreSQL does by itself within a minute of such a load; SQLite does nothing of the kind."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
