"""The Nebraska data: a hospital's export with known gaps, and the right answer for each appointment."""

import csv
import io
import json
from collections import Counter
from decimal import Decimal
from typing import Any

from backoffice.exports import csv_lines
from backoffice.runs.models import Run
from backoffice.runs.report import run_report
from clinic.export import RUN_COLUMNS, run_rows
from tests.needs import DATA

FOLDER = DATA / "hospital-nebraska"
NEBRASKA_RANGE = ("--from", "2005-01-01", "--to", "2024-01-01")
NEBRASKA_PARAMETERS: dict[str, Any] = {"from": "2005-01-01", "to": "2024-01-01"}
EXPORTED = ("recovered", "partially_recovered", "failed")


def exported(run: Run) -> list[dict[str, str]]:
    """The rows of the run's CSV export."""
    return list(csv.DictReader(io.StringIO("".join(csv_lines(RUN_COLUMNS, run_rows(run))))))


def expected() -> list[dict[str, str]]:
    """The rows of expected.csv that an export has."""
    with (FOLDER / "expected.csv").open(newline="") as file:
        return [row for row in csv.DictReader(file) if row["outcome"] in EXPORTED]


def assert_expected(run: Run) -> None:
    """The run's chain came to expected.csv, row by row, and to expected.json, figure by figure."""
    assert exported(run) == expected()
    right = json.loads((FOLDER / "expected.json").read_text())
    report = run_report(run)
    assert report["read"] == right["appointments"]
    assert {word: n for word, n in report["outcomes"].items() if n} == right["outcomes"]
    counted = Counter({category: sum(reasons.values()) for category, reasons in report["failures"].items()})
    partly = Counter(service_block=right["outcomes"]["partially_recovered"])  # written in part, and why not whole
    assert counted == Counter(right["failed_by_category"]) + partly
    assert report["totals"]["services"] == right["services_written"]
    assert Decimal(report["money"]["value"]) == Decimal(right["value"])
