"""The Nebraska data, whole: the right answer for each of 5,840 appointments."""

import csv
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from backoffice.runs.models import Run, RunStatus
from backoffice.runs.report import run_report
from backoffice.sandbox.hospital import Hospital
from clinic.models import MissingService, MissingServiceStatus
from regions.models import Region
from tests.acceptance.nebraska import EXPORTED, FOLDER, NEBRASKA_PARAMETERS, assert_expected, expected, exported
from tests.running import finish, start

pytestmark = [pytest.mark.acceptance, pytest.mark.django_db(transaction=True)]


def recover(region: Region, **parameters: object) -> Run:
    """Run to the end in this process."""
    return finish(start("recover_services", region, **NEBRASKA_PARAMETERS | parameters))


@pytest.mark.slow
def test_a_year_gives_the_right_answer_for_each_appointment_and_a_second_run_writes_nothing(
    nebraska: Region, hospital: Hospital
) -> None:
    """S0-01, S0-19, S0-20"""
    year = {"from": "2018-01-01", "to": "2019-01-01", "window": 31}
    zone = ZoneInfo(nebraska.time_zone)
    right = [row for row in expected() if datetime.fromisoformat(row["start"]).astimezone(zone).year == 2018]
    run = recover(nebraska, **year)
    assert run.status == RunStatus.COMPLETE
    assert exported(run) == right
    assert {row["outcome"] for row in right} == set(EXPORTED)
    written = hospital.sessions_written()
    again = recover(nebraska, **year)
    assert again.status == RunStatus.COMPLETE
    assert hospital.sessions_written() == written


@pytest.mark.slow
def test_the_whole_range_gives_the_right_answer_for_each_appointment_and_a_second_run_writes_nothing(
    nebraska: Region, hospital: Hospital
) -> None:
    """S0-01, S0-15, S0-19, S0-20, S0-22"""
    run = recover(nebraska, window=31)
    assert run.status == RunStatus.COMPLETE
    assert_expected(run)
    written = hospital.calls["createServiceSession"]
    again = recover(nebraska, window=31)
    assert again.status == RunStatus.COMPLETE
    first, second = run_report(run), run_report(again)
    assert second["totals"]["services"] == 0
    assert len(hospital.sessions_written()) == sum(
        first["outcomes"][word] for word in ("recovered", "partially_recovered")
    )
    # What only the hospital can refuse is asked again, and refused again; no session comes of it.
    assert hospital.calls["createServiceSession"] - written == second["failures"]["validation"]["CASE_CLOSED"]


@pytest.mark.slow
def test_each_distinct_key_is_asked_once(nebraska: Region, hospital: Hospital) -> None:
    """S0-06, S0-09"""
    run = recover(nebraska, window=31)
    cache = run_report(run)["cache"]
    for kind, field in (
        ("configuration", "serviceConfiguration"), ("cost_center", "costCenter"), ("physician", "responsiblePhysician"),
        ("case", "case"), ("block", "serviceBlock"),
    ):  # fmt: skip
        assert cache[kind]["calls"] == hospital.calls[field]
        assert cache[kind]["hits"] + cache[kind]["joins"] > 0
        assert cache[kind]["reasked"] == 0
    with (FOLDER / "appointments.csv").open(newline="") as file:
        departments = {row["department_id"] for row in csv.DictReader(file)} - {""}
    assert hospital.calls["costCenter"] <= len(departments)


@pytest.mark.slow
@pytest.mark.parametrize("window", [1, 7])
def test_the_answer_does_not_depend_on_the_window(nebraska: Region, window: int) -> None:
    """S0-02, S0-03, S0-05"""
    run = recover(nebraska, window=window)
    assert run.status == RunStatus.COMPLETE
    assert_expected(run)


@pytest.mark.slow
@pytest.mark.parametrize("chunk", [1, 17])
def test_the_answer_does_not_depend_on_the_size_of_a_chunk(nebraska: Region, chunk: int) -> None:
    """S0-04"""
    run = recover(nebraska, window=366, chunk=chunk)
    assert run.status == RunStatus.COMPLETE
    assert_expected(run)


@pytest.mark.slow
def test_one_percent_of_all_calls_failing_is_absorbed_by_the_retries(nebraska: Region, hospital: Hospital) -> None:
    hospital.faults.set("http503", 0.0025)
    hospital.faults.set("http429", 0.0025)
    hospital.faults.set("drop", 0.0025)
    hospital.faults.set("drop_after_write", 0.0025)
    run = recover(nebraska, window=31)
    assert run.status == RunStatus.COMPLETE
    assert_expected(run)
    assert run_report(run)["totals"]["retries"] > 0


@pytest.mark.slow
def test_a_preview_says_the_same_words_and_writes_nothing(nebraska: Region, hospital: Hospital) -> None:
    run = recover(nebraska, window=31, mode="preview")
    assert run.status == RunStatus.COMPLETE
    assert exported(run) == expected()
    assert hospital.calls["createServiceSession"] == 0
    assert hospital.sessions_written() == []
    found = MissingService.objects.filter(status=MissingServiceStatus.FOUND).count()
    assert found == len(expected())
