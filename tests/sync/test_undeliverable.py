"""Numbers to which messages come back: reported, marked wherever a sheet holds them, closed by another number."""

from typing import Any

import pytest

from backoffice.runs.faults import Misuse
from regions.models import PhoneRow, Region, UndeliverablePhone
from regions.sync.undeliverable import dismiss, reopen, report
from tests.factories import RegionFactory, UserFactory
from tests.fhir.world import NO_PHONE, ORDINARY, mobile
from tests.sync.world import Place, sync

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def region() -> Region:
    return RegionFactory.create(country="ID")


def test_a_number_has_one_open_row_however_it_is_written_and_often_reported(region: Region) -> None:
    report(region, "0812-3456-7801", "unreachable")
    row = report(region, "+6281234567801", "no_such_number")
    assert UndeliverablePhone.objects.count() == 1
    assert (row.reports, row.reason, row.phone["number"]) == (2, "no_such_number", "+6281234567801")
    other = RegionFactory.create(country="ID")
    assert report(other, "+6281234567801", "refused").reports == 1
    assert report(region, "+6281234567801", "refused", patient_id="pat-1").reports == 1


def test_what_is_no_number_or_no_reason_is_refused_in_one_line(region: Region) -> None:
    for number, reason, says in (("12", "refused", "no phone number"), ("0812-3456-7801", "sulks", "reason is one of")):
        with pytest.raises(Misuse, match=says):
            report(region, number, reason)
    assert not UndeliverablePhone.objects.exists()


def test_the_number_is_not_in_the_database_in_clear(region: Region) -> None:
    row = report(region, "+6281234567801", "refused")
    columns = UndeliverablePhone.objects.filter(pk=row.pk).values("digest", "phone", "reason").get()
    assert "81234567801" not in str(columns) + str(row) + repr(row)


def test_a_row_of_the_sheet_that_holds_it_is_marked(place: Place) -> None:
    report(place.region, "0812-3456-7801", "unreachable")
    run = sync(place.region, rows="2:3")
    rules = dict(PhoneRow.objects.filter(run=run).values_list("row", "rules"))
    assert rules == {2: "separators; undeliverable", 3: "leading zero"}
    assert UndeliverablePhone.objects.get().resolution == "open"


def test_another_number_for_its_patient_closes_it_and_nobody_elses_does(place: Place) -> None:
    [patient] = place.carriers(ORDINARY[0])
    [stranger] = place.carriers(NO_PHONE)
    number = mobile(patient)
    ours = report(place.region, number, "no_such_number", patient_id=patient["id"])
    anybodys = report(place.region, number, "no_such_number")
    theirs = report(place.region, number, "no_such_number", patient_id=stranger["id"])
    elsewhere = report(RegionFactory.create(country="ID"), number, "no_such_number")
    run = sync(place.region, mode="preview")
    assert UndeliverablePhone.objects.filter(resolution="open").count() == 4
    run = sync(place.region)
    closed = UndeliverablePhone.objects.filter(resolution="fixed")
    assert {row.pk for row in closed} == {ours.pk, anybodys.pk}
    assert {row.fixed_by_id for row in closed} == {run.pk}
    assert {theirs.pk, elsewhere.pk} == set(
        UndeliverablePhone.objects.filter(resolution="open").values_list("pk", flat=True)
    )


def test_a_new_secret_key_loses_no_mark(place: Place, settings: Any) -> None:
    [patient] = place.carriers(ORDINARY[0])
    row = report(place.region, mobile(patient), "refused")
    report(place.region, "0812-3456-7801", "unreachable")
    settings.SECRET_KEY = "another"
    run = sync(place.region, rows="2:2")
    assert PhoneRow.objects.get(run=run).rules == "separators; undeliverable"
    row.refresh_from_db()
    assert row.resolution == "fixed"


def test_a_dismissed_row_is_no_mark_and_can_be_reopened_unless_it_was_reported_again(region: Region) -> None:
    user = UserFactory.create()
    row = report(region, "+6281234567801", "refused")
    assert dismiss(row, user, "it works")
    assert not dismiss(row, user, "it works")
    row.refresh_from_db()
    assert reopen(row, user)
    assert dismiss(row, user, "it works")
    row.refresh_from_db()
    report(region, "+6281234567801", "refused")
    assert not reopen(row, user)
    assert UndeliverablePhone.objects.filter(resolution="open").count() == 1
