"""How a region's server wants to be asked is the region's to say; each way comes to the same."""

import pytest

from backoffice.runs.models import RunStatus
from backoffice.runs.report import run_report
from regions.regionfile import RegionFileError, parse
from tests.fhir.world import NO_PHONE, but_telecom, mobile, snapshot
from tests.sync.world import MIXED, NUMBERS, Place, sync

pytestmark = pytest.mark.django_db(transaction=True)
WAYS: list[tuple[dict[str, str | bool], str, str]] = [
    ({"strategy": "or-search"}, "search", "write_batch"),
    ({"method": "json-patch"}, "lookup_batch", "write_batch"),
    ({"method": "fhirpath-patch"}, "lookup_batch", "write_batch"),
    ({"batch": False}, "lookup", "write"),
    ({"batch": False, "strategy": "or-search", "method": "json-patch"}, "search", "write"),
]


def told(place: Place, **values: str | bool) -> None:
    place.region.fhir = values
    place.region.save()


@pytest.mark.parametrize(("values", "asks", "writes"), WAYS)
def test_each_way_of_a_region_comes_to_the_same(
    values: dict[str, str | bool], asks: str, writes: str, place: Place
) -> None:
    """S1-14, X-07, X-08: both strategies, patches, and a server that knows no batch."""
    place.server.shape.batch = bool(values.get("batch", True))
    told(place, **values)
    run = sync(place.region)
    assert (run.status, run.detail) == (RunStatus.COMPLETE, "")
    assert place.outcomes(run) == {row: outcome for row, (_, outcome, _) in enumerate(MIXED, start=2)}
    calls = run_report(run)["calls"]
    assert calls[f"fhir_{asks}"] > 0
    assert calls[f"fhir_{writes}"] > 0
    assert {word for word in ("lookup", "search", "lookup_batch") if f"fhir_{word}" in calls} == {asks}
    after = snapshot(place.server.store)
    assert {key: but_telecom(one) for key, one in after.items()} == {
        key: but_telecom(one) for key, one in place.before.items()
    }
    for identifier, number in NUMBERS.items():
        assert {mobile(patient) for patient in place.carriers(identifier)} == {number}


def test_a_region_may_keep_another_phone_than_the_mobile_one(place: Place) -> None:
    told(place, use="work")
    run = sync(place.region)
    assert run.status == RunStatus.COMPLETE
    [now] = place.carriers(NO_PHONE)
    assert now["telecom"] == [
        *place.before[now["id"]]["telecom"],
        {"system": "phone", "value": NUMBERS[NO_PHONE], "use": "work"},
    ]


def test_a_way_that_is_none_is_refused_when_the_region_is_loaded() -> None:
    text = '{"name": "a", "time_zone": "Asia/Jakarta", "fhir": {"use": "post"}}'
    with pytest.raises(RegionFileError, match=r"fhir.use: must be one of: mobile, home, work, temp"):
        parse(text)
