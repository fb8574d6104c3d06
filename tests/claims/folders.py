"""Folders of claims that tests make, and nights over them, worked in this process."""

import csv
from collections.abc import Iterable, Mapping
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

from backoffice.runs.control import stop_run
from backoffice.runs.kernel import work
from backoffice.runs.models import Run, RunStatus, StepPart, StepState
from backoffice.runs.state import waiting_parts
from claims.models import Night, StepSetting
from claims.pipeline import export
from claims.pipeline.load import ACCUMULATOR_COLUMNS, LINE_COLUMNS, TABLES, load
from regions.models import Region
from tests.factories import RegionFactory
from tests.running import finish, start

RUN_DATE = date(2024, 1, 15)
LONG_AGO = "2000-01-01"
COLUMNS: dict[str, tuple[str, ...]] = {
    **{name.removesuffix(".csv"): tuple(table.columns) for name, table in TABLES.items()},
    "claim_lines": LINE_COLUMNS,
    "accumulators": ACCUMULATOR_COLUMNS,
}
Rows = Iterable[Mapping[str, str]]
_numbers = count(1)


def small_world(**tables: list[dict[str, str]]) -> dict[str, list[dict[str, str]]]:
    """One of each: member M, provider P under contract K, procedure X of category OFFICE at $100.00, plan L that pays
    80 % after nothing. Tables that are given replace these."""
    return {
        "providers": [provider("P")],
        "procedure_codes": [row("procedure_codes", procedure_code="X", category="OFFICE", valid_from=LONG_AGO)],
        "plans": [plan()],
        "plan_benefits": [benefit()],
        "member_benefits": [coverage()],
        "fee_schedule": [row("fee_schedule", fee_schedule_id="F", procedure_code="X", fee="100.00")],
        "contract_terms": [terms()],
        "remittance_payers": [payer()],
        "accumulators": [],
        "claim_lines": [line()],
        **tables,
    }


def row(table: str, **values: str) -> dict[str, str]:
    """A row of the table; what is not said is empty."""
    return {**dict.fromkeys(COLUMNS[table], ""), **values}


def provider(npi: str, **values: str) -> dict[str, str]:
    return row("providers", **{"npi": npi, "contract_id": "K", "active_from": LONG_AGO, **values})


def plan(**values: str) -> dict[str, str]:
    nothing = {"deductible": "0.00", "out_of_pocket_max": "99999.00", "coinsurance_percent": "20"}
    return row("plans", **{"plan_id": "L", **nothing, **values})


def benefit(**values: str) -> dict[str, str]:
    usual = {"covered": "true", "copay": "0.00", "copay_only": "false"}
    return row("plan_benefits", **{"plan_id": "L", "category": "OFFICE", **usual, **values})


def coverage(first: str = LONG_AGO, last: str = "", **values: str) -> dict[str, str]:
    span = {"coverage_from": first, "coverage_to": last}
    return row("member_benefits", **{"member_id": "M", "plan_id": "L", **span, **values})


def terms(**values: str) -> dict[str, str]:
    usual = {"fee_schedule_id": "F", "multiplier_percent": "100", "percent_of_charge": "50"}
    return row("contract_terms", **{"contract_id": "K", **usual, **values})


def payer(payer_id: str = "60054", **values: str) -> dict[str, str]:
    """Who pays claims that came as 837P."""
    usual = {
        "name": "Aetna", "tax_id": "066033492", "street": "151 Farmington Ave", "city": "Hartford", "state": "CT",
        "zip_code": "061560001", "contact": "Provider services", "phone": "8605550100", "for_all": "false",
    }  # fmt: skip
    return row("remittance_payers", **{"payer_id": payer_id, **usual, **values})


def line(claim: str = "C1", number: int = 1, /, **values: str) -> dict[str, str]:
    usual = {
        "member_id": "M", "provider_npi": "P", "service_date": "2024-01-10", "received_date": "2024-01-12",
        "procedure_code": "X", "units": "1", "billed": "500.00",
    }  # fmt: skip
    return {"claim_id": claim, "line_number": str(number), **usual, **values}


def write_folder(folder: Path, tables: Mapping[str, Rows]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS[name], lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    return folder


def read_folder(folder: Path) -> dict[str, list[dict[str, str]]]:
    found = {}
    for path in folder.glob("*.csv"):
        with path.open(newline="", encoding="utf-8") as file:
            found[path.stem] = list(csv.DictReader(file))
    return found


def new_region() -> Region:
    """One that no other night of this process has: its night is the first."""
    return RegionFactory.create(name=f"night-{next(_numbers)}")


def staged(folder: Path, tables: Mapping[str, Rows], region: Region | None = None) -> Region:
    region = region or new_region()
    load(write_folder(folder, tables), region)
    return region


def run_night(region: Region, *, run_date: date = RUN_DATE, partitions: int = 1, frequency: int | None = None) -> Run:
    """Begin the night and work it here to its end, whatever that is."""
    if frequency is not None:
        StepSetting.objects.update(commit_frequency=frequency)
    parameters = {"run_date": run_date.isoformat(), "partitions": partitions}
    return finish(start("run_pipeline", region, **parameters))


def stopped_in(step: str, region: Region) -> Run:
    """The region's night, stopped when one of the step's two parts is done and the other has not been opened."""
    parameters = {"run_date": RUN_DATE.isoformat(), "partitions": 2}
    run = start("run_pipeline", region, **parameters)
    done = StepPart.objects.filter(step__chain=run.chain, step__name=step, status="complete")
    while not done.exists():
        part = waiting_parts().filter(run=run).first()
        assert part is not None
        work(part.pk)
    stop_run(run)
    run.refresh_from_db()
    assert run.status == RunStatus.STOPPED
    return run


def night_of(run: Run) -> Night:
    return Night.objects.select_related("region").get(chain=run.chain)


def outputs_of(run: Run) -> dict[str, Any]:
    """The verified figures of each step, digests among them."""
    return dict(StepState.objects.filter(chain=run.chain).values_list("name", "outputs"))


def adjudicated_of(run: Run) -> dict[tuple[str, int], dict[str, Any]]:
    """By claim and line, as the export has them."""
    return {
        (found[0], found[1]): dict(zip(export.ADJUDICATED, map(str, found), strict=True))
        for found in export.adjudicated(night_of(run))
    }


def rejected_of(run: Run) -> dict[str, tuple[int, str]]:
    return {claim: (number, reason) for claim, number, reason in export.rejected(night_of(run))}


def accumulators_of(run: Run) -> dict[tuple[str, int, str], str]:
    return {(member, year, name): str(value) for member, year, name, value in export.accumulator_rows(night_of(run))}


SHARES = ("allowed", "copay", "deductible", "coinsurance", "paid")


def only(run: Run) -> dict[str, Any]:
    (found,) = adjudicated_of(run).values()
    return found


def shares(found: dict[str, Any]) -> tuple[str, ...]:
    return tuple(found[name] for name in SHARES)
