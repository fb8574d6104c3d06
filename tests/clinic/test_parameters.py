"""What a recovery run can be told, and what is refused in one line before anything is created."""

from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine

from backoffice.runs.faults import Misuse
from backoffice.runs.models import Run
from clinic.jobs import RECOVER_SERVICES, recovery_parameters
from clinic.models import MissingService
from regions.models import Region
from tests.factories import RegionFactory

pytestmark = pytest.mark.django_db

RANGE = {"from": "2026-03-01", "to": "2026-04-01"}
DEFAULTS = {"chunk": 200, "mode": "write"}


@pytest.fixture
def region() -> Region:
    return RegionFactory.create(name="north", time_zone="Asia/Jakarta")


def test_what_is_left_out_has_its_default(region: Region) -> None:
    assert recovery_parameters(region, RANGE) == RANGE | DEFAULTS | {"window": 7}


def test_days_end_yesterday_in_the_regions_zone(region: Region) -> None:
    with time_machine.travel(datetime(2026, 3, 9, 18, 0, tzinfo=UTC)):  # the 10th in Jakarta
        found = recovery_parameters(region, {"days": 3})
    assert (found["from"], found["to"]) == ("2026-03-07", "2026-03-10")


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ({}, "which days"),
        ({"from": "2026-03-01"}, "which days"),
        ({"from": "2026-03-01", "to": "2026-03-01"}, "empty"),
        ({"from": "2026-04-01", "to": "2026-03-01"}, "empty"),
        ({"from": "1.3.2026", "to": "2026-03-01"}, "from is a day"),
        ({"from": "20260301", "to": "2026-04-01"}, "from is a day"),
        ({"from": "0001-01-01", "to": "9999-12-31"}, "between the years"),
        ({"days": 0}, "days is a whole number"),
        ({"days": True}, "days is a whole number"),
        ({"days": 3, **RANGE}, "Either days"),
        ({**RANGE, "chunk": 201}, "chunk"),
        ({**RANGE, "chunk": 0}, "chunk"),
        ({**RANGE, "window": "7"}, "window"),
        ({**RANGE, "mode": "dry"}, "mode"),
        ({**RANGE, "patient": "P"}, "Not known: patient"),
        ({**RANGE, "only": {"rows": [1]}}, "leave out from, to"),
        ({"only": {}}, "only holds one of"),
        ({"only": {"rows": [1], "failures_of": 2}}, "only holds one of"),
        ({"only": {"rows": []}}, "1 to 500"),
        ({"only": {"rows": [True]}}, "row numbers"),
        ({"only": {"rows": [999]}}, "not in the worklist of north"),
        ({"only": {"failures_of": 999}}, "a recovery run of north"),
        ({"only": {"blocked_by": "cost_center"}}, "one master record"),
        ({"only": {"blocked_by": 5}}, "one master record"),
    ],
)
def test_wrong_use_says_what_to_do(region: Region, raw: dict[str, Any], says: str) -> None:
    with pytest.raises(Misuse, match=says):
        recovery_parameters(region, raw)


def test_rows_and_runs_of_another_region_are_not_there(region: Region) -> None:
    other = RegionFactory.create()
    run = Run.objects.create(job="recover_services", key=other.name, region=other)
    row = MissingService.objects.create(
        region=other, appointment_id="a", start=datetime(2026, 3, 3, tzinfo=UTC), filing_deadline="2027-01-01", run=run
    )
    for only in ({"rows": [row.pk]}, {"failures_of": run.pk}):
        with pytest.raises(Misuse):
            recovery_parameters(region, {"only": only})
        assert recovery_parameters(other, {"only": only}) == DEFAULTS | {"only": only}


def test_a_region_has_one_writing_run_whatever_its_range_and_previews_beside_it(region: Region) -> None:
    writing = recovery_parameters(region, RANGE)
    single = recovery_parameters(region, {"only": {"blocked_by": "cost_center:D"}})
    preview = recovery_parameters(region, RANGE | {"mode": "preview"})
    assert [RECOVER_SERVICES.key(region, each) for each in (writing, single, preview)] == [
        "north", "north", "north:preview",
    ]  # fmt: skip
    assert [RECOVER_SERVICES.exclusive(each) for each in (writing, single, preview)] == [True, True, False]
