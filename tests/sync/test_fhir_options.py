"""A region's FHIR options reach its server: the look-up, the kind of write, batches or none."""

from typing import Any

import pytest

from backoffice.runs.report import run_report
from tests.fhir.world import mobile
from tests.sync.world import NUMBERS, Place, sync

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("fhir", "done", "not_done"),
    [
        ({}, {"fhir_lookup_batch", "fhir_write_batch"}, {"fhir_search", "fhir_write"}),
        ({"strategy": "or-search"}, {"fhir_search", "fhir_write_batch"}, {"fhir_lookup_batch"}),
        ({"batch": False}, {"fhir_lookup", "fhir_write"}, {"fhir_lookup_batch", "fhir_write_batch"}),
        ({"method": "json-patch", "entries_per_batch": 3}, {"fhir_lookup_batch", "fhir_write_batch"}, set()),
    ],
)
def test_the_options_of_the_region_are_kept(
    place: Place, fhir: dict[str, Any], done: set[str], not_done: set[str]
) -> None:
    place.region.fhir = fhir
    place.region.save()
    run = sync(place.region)
    calls = run_report(run)["calls"]
    assert done <= set(calls)
    assert not not_done & set(calls)
    if "entries_per_batch" in fhir:
        assert calls["fhir_write_batch"] >= 3
    for identifier, number in NUMBERS.items():
        assert {mobile(patient) for patient in place.carriers(identifier)} == {number}
