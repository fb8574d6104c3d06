"""What a server says of a patient stays out of logs, messages and representations."""

import logging
import traceback
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from backoffice.adapters.fhir import Change, FhirClient, FhirRefused, Patient
from backoffice.sandbox.fhir import FhirServer
from tests.fhir.world import ORDINARY, REGION, Connect, change, everyone, patient, put

VALUE, PHONE = "P-007", "+62811007"


def outcome(code: str) -> dict[str, Any]:
    told = {"severity": "error", "code": code, "diagnostics": f"{VALUE} has {PHONE}", "expression": [VALUE]}
    return {"resourceType": "OperationOutcome", "issue": [told]}


@pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 404, 409, 412, 422, 500])
@pytest.mark.parametrize("code", ["invalid", VALUE, "too-costly"])
def test_an_outcome_is_told_by_its_codes_alone(
    peer: HTTPServer, connect: Connect, caplog: pytest.LogCaptureFixture, status: int, code: str
) -> None:
    caplog.set_level(logging.DEBUG)
    peer.expect_request("/fhir").respond_with_json(outcome(code), status=status)
    peer.expect_request("/fhir/Patient/_search").respond_with_json(outcome(code), status=status)
    client = connect(peer.url_for("/fhir"), "token")
    told = ""
    try:
        told += repr(client.find([VALUE], region=REGION)[VALUE])
        found = Patient(region=REGION, id="a", version="1", whole=True, resource=patient("a", VALUE))
        told += repr(put(client, [Change(patient=found, resource=patient("a", VALUE))]))
    except FhirRefused as error:
        told += "".join(traceback.format_exception(error))
    told += "".join(record.getMessage() for record in caplog.records if record.name != "werkzeug")
    assert told
    assert VALUE not in told
    assert PHONE not in told


def test_patients_and_changes_do_not_show_what_is_in_them(server: FhirServer, client: FhirClient) -> None:
    [found] = everyone(client, ORDINARY[:1])
    told = repr([found, change([found]), client.find(ORDINARY[:1], region=REGION)[ORDINARY[0]]])
    assert ORDINARY[0] not in told
    assert "+628" not in told
    assert found.id in told
