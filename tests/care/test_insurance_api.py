"""Insurance over the API, and reports; who may, and who may not."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from backoffice.runs.models import Run
from clinic.care.eligibility.spend import month_of
from clinic.care.models import EligibilityReport
from tests.booking.conftest import Portal, api, client_of, clinic, elsewhere, now, portal
from tests.booking.world import Clinic
from tests.care.world import INSURANCE, insured

__all__ = ["api", "clinic", "elsewhere", "now", "portal"]
pytestmark = pytest.mark.django_db
INSURE, REPORTS = "/api/v1/insurance/", "/api/v1/eligibility-reports/"


def body(clinic: Clinic, **changes: Any) -> dict[str, Any]:
    return {**INSURANCE, "patient": clinic.patient.pk, "member_id": "W-SECRET", **changes}


def report(clinic: Clinic) -> EligibilityReport:
    information = insured(clinic.region, patient=clinic.patient)
    run = Run.objects.create(job="check_eligibility", key="x", region=clinic.region, status="complete")
    return EligibilityReport.objects.create(
        region=clinic.region, patient=clinic.patient, information=information, run=run, month=month_of(clinic.region)
    )


def test_the_members_number_goes_in_and_does_not_come_out(api: APIClient, clinic: Clinic) -> None:
    made = api.post(INSURE, body(clinic), format="json")
    assert (made.status_code, "SECRET" in made.content.decode()) == (201, False)
    assert api.post(INSURE, body(clinic), format="json").status_code == 200
    for changes in ({"provider_npi": "12"}, {"payer_code": ""}, {"more": 1}, {"member_id": " "}, {"payer_name": 0}):
        assert api.post(INSURE, body(clinic, **changes), format="json").status_code == 400


def test_reports_are_listed_without_the_payers_words(api: APIClient, clinic: Clinic) -> None:
    row = report(clinic)
    (found,) = api.get(REPORTS, {"patient": str(clinic.patient.pk), "region": clinic.region.name}).json()["results"]
    assert (found["id"], found["state"], "answer" in found) == (row.pk, "asked", False)
    assert api.get(REPORTS, {"patient": clinic.patient.pk + 999}).json()["results"] == []


def test_outsiders(api: APIClient, clinic: Clinic, elsewhere: Clinic, portal: Portal) -> None:
    report(clinic)
    for client, written, read in (
        (APIClient(), 401, 401),
        (client_of(clinic, verbs=["appointments:read"]), 403, 200),
        (client_of(clinic, verbs=["appointments:write"]), 200, 403),
        (client_of(clinic, role="viewer"), 403, 200),
        (portal(), 403, 403),
    ):
        assert client.post(INSURE, body(clinic, member_id="W1"), format="json").status_code == written
        assert client.get(REPORTS).status_code == read
    stranger = client_of(elsewhere)
    assert stranger.post(INSURE, body(clinic), format="json").status_code == 404
    assert stranger.get(REPORTS).json()["results"] == []
    assert stranger.get(REPORTS, {"region": clinic.region.name}).status_code == 404
