"""Accumulators with which a region begins: taken where none stand yet."""

from decimal import InvalidOperation
from pathlib import Path

from claims.pipeline import accumulators
from claims.pipeline.delivered import Problems, rows
from claims.pipeline.rules import Met
from claims.pipeline.values import count, money, text, year
from regions.models import Region

ACCUMULATORS = "accumulators.csv"
ACCUMULATOR_COLUMNS = ("member_id", "benefit_year", "field_name", "value")


def opening_accumulators(path: Path, region: Region, problems: Problems) -> dict[accumulators.Key, str | None]:
    """Opening values that do not stand yet. A member's year that does must stand as the file has it: the nights keep
    it now."""
    if not path.exists():
        return {}
    opening: dict[accumulators.Key, Met] = {}
    seen: dict[tuple[str, ...], str] = {}
    for where, row in rows(path, ACCUMULATOR_COLUMNS, problems):
        key = (row["member_id"], row["benefit_year"], row["field_name"])
        if key in seen:
            problems.add(where, f"has the key of {seen[key]}: {', '.join(key[1:])}")
            continue
        seen[key] = where
        try:
            met = opening.setdefault((text(row["member_id"]), year(row["benefit_year"])), Met())
            _set(met, row["field_name"], row["value"])
        except (ValueError, InvalidOperation) as error:
            problems.add(where, f"value or key {error}" if str(error).startswith("is ") else "cannot be read")
    standing = accumulators.stored(region.pk, {member for member, _ in opening})
    spelled = {key: accumulators.spelled(met) for key, met in opening.items()}
    differing = sum(key in standing and standing[key] != value for key, value in spelled.items())
    if differing and not problems.found:
        problems.add(
            path.name, f"{differing:,} members' years stand otherwise already, kept by the nights: leave it out"
        )
    return {key: value for key, value in spelled.items() if key not in standing}


def _set(met: Met, name: str, value: str) -> None:
    if name == "deductible_met":
        met.deductible = int(money(value) * 100)
    elif name == "out_of_pocket_met":
        met.out_of_pocket = int(money(value) * 100)
    elif name.startswith("visits:") and len(name) > len("visits:"):
        met.visits[name.removeprefix("visits:")] = count(value)
    else:
        raise ValueError("is no deductible_met, out_of_pocket_met or visits:CATEGORY")
