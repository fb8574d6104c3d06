"""services.csv into the loaded services: new ones are added, and what was claimed is not changed any more."""

from django.db import connection

from billing.models import Claim, LoadedService
from claims.pipeline.delivered import MOST_PROBLEMS, Problems
from regions.models import Region

SERVICE, CLAIM = LoadedService._meta.db_table, Claim._meta.db_table


def add_services(waiting: str, names: tuple[str, ...], region: Region, problems: Problems) -> None:
    """From the temporary table `waiting`, unless one of its services was claimed with other values."""
    others = [name for name in names if name != "service_id"]
    differs = " OR ".join(f"known.{name} <> fresh.{name}" for name in others)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) OVER (), fresh.line FROM {waiting} AS fresh JOIN {SERVICE} AS known"  # noqa: S608
            " ON known.region_id = %s AND known.service_id = fresh.service_id"
            f" WHERE ({differs}) AND EXISTS (SELECT 1 FROM {CLAIM} AS made WHERE made.loaded_id = known.id)"
            f" ORDER BY fresh.line LIMIT {MOST_PROBLEMS}",
            [region.pk],
        )
        found = cursor.fetchall()
        what = "was claimed with other values: leave the row as it was, and correct the claim by a replacement"
        problems.add_first(((f"services.csv line {line}", what) for _, line in found), found[0][0] if found else 0)
        if problems.found:
            return
        columns, changed = ", ".join(names), ", ".join(f"{name} = excluded.{name}" for name in others)
        cursor.execute(
            f"INSERT INTO {SERVICE} (region_id, {columns})"  # noqa: S608 (names of our own)
            f" SELECT CAST(%s AS bigint), {columns} FROM {waiting} WHERE true ORDER BY line"
            f" ON CONFLICT (region_id, service_id) DO UPDATE SET {changed}",
            [region.pk],
        )
