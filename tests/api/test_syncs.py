"""Phone syncs over the API: started, refused, undone and watched as other runs, and described in the schema."""

from typing import Any

import pytest
from redis import Redis

from backoffice.runs.models import Run
from regions.models import Region
from tests.admin.phone_world import SECRETS, Phones, make_phones, make_sync_run
from tests.api.conftest import Caller, TokenClient

pytestmark = pytest.mark.django_db(transaction=True)
RUNS = "/api/v1/runs/"


def start(api: TokenClient, parameters: dict[str, Any], region: str = "north") -> Any:
    return api.post(RUNS, {"job": "sync_phones", "region": region, "parameters": parameters}, format="json")


@pytest.fixture
def phones(north: Region) -> Phones:
    return make_phones(north)


@pytest.mark.parametrize(
    "parameters", [{}, {"rows": "2:500"}, {"mode": "preview"}, {"only": {"failures_of": 0}}, {"mode": "undo", "run": 0}]
)
def test_each_kind_of_sync_is_started(
    parameters: dict[str, Any], phones: Phones, api: TokenClient, queue: Redis
) -> None:
    if "only" in parameters:
        parameters = {"only": {"failures_of": phones.run.pk}}
    elif "run" in parameters:
        parameters = {"mode": "undo", "run": phones.run.pk}
    response = start(api, parameters)
    assert response.status_code == 201, response.json()
    run = Run.objects.latest("pk")
    assert run.parameters == {"mode": "write", **parameters}
    assert response["Location"].endswith(f"{RUNS}{run.pk}/")


def test_what_the_job_refuses_is_400_in_one_line(phones: Phones, api: TokenClient, south: Region, queue: Redis) -> None:
    theirs = make_sync_run(south).pk
    before = Run.objects.count()
    for parameters, says in (
        ({"rows": "1:5"}, "rows begins at 2"),
        ({"rows": 5}, "rows says the first and the last row"),
        ({"sheet": "x"}, "Not known: sheet."),
        ({"mode": "guess"}, "mode is one of"),
        ({"mode": "undo"}, "run says which sync"),
        ({"mode": "undo", "run": theirs}, "run is the number of a phone sync of north: the list of runs has it."),
        (
            {"only": {"failures_of": theirs}},
            "failures_of is the number of a phone sync of north: the list of runs has it.",
        ),
        ({"only": {"failures_of": phones.run.pk}, "rows": "2:3"}, "Either some rows, or only those that failed"),
    ):
        response = start(api, parameters)
        assert response.status_code == 400, parameters
        (line,) = response.json()["error"]["fields"]["parameters"]
        assert line.startswith(says), line
    assert Run.objects.count() == before


def test_finance_may_preview_and_neither_write_nor_undo(phones: Phones, caller: Caller, queue: Redis) -> None:
    assert start(caller("finance"), {"mode": "preview"}).status_code == 201
    assert start(caller("finance"), {}).status_code == 403
    assert start(caller("finance"), {"mode": "undo", "run": phones.run.pk}).status_code == 403
    assert start(caller("viewer"), {"mode": "preview"}).status_code == 403
    assert start(caller("operator"), {}, region="south").status_code == 404


def test_a_sync_is_read_without_any_patient_in_it(phones: Phones, api: TokenClient) -> None:
    report = api.get(f"{RUNS}{phones.run.pk}/")
    assert report.json()["totals"]["successful_updates"] == 2
    failures = api.get(f"{RUNS}{phones.run.pk}/failures/")
    assert failures.json()["results"][0]["reference"] == "row 5"
    assert not [secret for secret in SECRETS if secret in (report.content + failures.content).decode()]


def test_the_schema_says_what_each_job_takes(api: TokenClient) -> None:
    schema = api.get("/api/v1/schema/", HTTP_ACCEPT="application/vnd.oai.openapi+json").json()["components"]["schemas"]
    assert schema["StartRun"]["properties"]["parameters"]["anyOf"] == [
        {"$ref": "#/components/schemas/RecoverServicesParameters"},
        {"$ref": "#/components/schemas/SyncPhonesParameters"},
        {"$ref": "#/components/schemas/BillingParameters"},
    ]
    kinds = schema["SyncPhonesParameters"]["anyOf"]
    assert [sorted(kind["properties"]) for kind in kinds] == [["mode", "rows"], ["mode", "only"], ["mode", "run"]]
    assert {kind["additionalProperties"] for kind in kinds} == {False}
