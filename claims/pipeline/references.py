"""The region's reference tables as frames, read once for each part: money in cents, percents in hundredths of one.

That of members' coverage is too long to be held: claims/pipeline/coverage.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from claims.models import ContractTerms, Fee, Plan, PlanBenefit, ProcedureCode, Provider
from claims.pipeline import frames
from regions.models import Region

if TYPE_CHECKING:
    import polars as pl
    from django.db.models import Model


def providers(region: Region) -> pl.DataFrame:
    """npi, contract_id, active_from, active_to."""
    import polars as pl

    return _table(
        region, Provider, npi=pl.String, contract_id=pl.String, active_from=pl.Date, active_to=pl.Date
    ).rename({"npi": "provider_npi"})


def procedures(region: Region) -> pl.DataFrame:
    """procedure_code, category, valid_from, valid_to."""
    import polars as pl

    return _table(
        region, ProcedureCode, procedure_code=pl.String, category=pl.String, valid_from=pl.Date, valid_to=pl.Date
    )


def plan_benefits(region: Region) -> pl.DataFrame:
    """plan_id, category, covered, copay, copay_only, visit_limit."""
    import polars as pl

    return _table(
        region, PlanBenefit, plan_id=pl.String, category=pl.String, covered=bool, copay="money", copay_only=bool,
        visit_limit=pl.Int64,
    )  # fmt: skip


def plans(region: Region) -> pl.DataFrame:
    """plan_id, deductible, out_of_pocket_max, coinsurance_percent."""
    return _table(region, Plan, plan_id=str, deductible="money", out_of_pocket_max="money", coinsurance_percent="money")


def fees(region: Region) -> pl.DataFrame:
    """fee_schedule_id, procedure_code, fee."""
    return _table(region, Fee, fee_schedule_id=str, procedure_code=str, fee="money")


def contracts(region: Region) -> pl.DataFrame:
    """contract_id, fee_schedule_id, multiplier_percent, percent_of_charge."""
    return _table(
        region, ContractTerms, contract_id=str, fee_schedule_id=str, multiplier_percent="money",
        percent_of_charge="money",
    )  # fmt: skip


def _table(region: Region, model: type[Model], **columns: Any) -> pl.DataFrame:
    import polars as pl

    schema = {name: _stored(kind) for name, kind in columns.items()}
    spelled = {
        name: f"CAST(ROUND({name} * 100) AS bigint)" if kind == "money" else f"CASE WHEN {name} THEN 1 ELSE 0 END"
        for name, kind in columns.items()
        if kind in ("money", bool)
    }
    source = f"FROM {model._meta.db_table} WHERE region_id = %s"
    frame = frames.read(source, [region.pk], schema, spelled=spelled)
    return frame.with_columns(pl.col(name).cast(pl.Boolean) for name, kind in columns.items() if kind is bool)


def _stored(kind: Any) -> Any:
    import polars as pl

    return {"money": pl.Int64, bool: pl.Int64, str: pl.String}.get(kind, kind)
