"""Nights over the API: the list, the status with its ETag; and a member's accumulators, whose id is in no address."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from auditlog.models import LogEntry

from backoffice.runs.models import StepPart, StepState
from claims.models import Accumulator
from regions.models import Region
from tests.admin.claims_world import MEMBER, ClaimsWorld, make_claims
from tests.api.conftest import Caller, TokenClient
from tests.claims.nights import make_night

pytestmark = pytest.mark.django_db

NIGHTS, SEARCH = "/api/v1/nights/", "/api/v1/accumulators/search/"


@pytest.fixture
def claims(north: Region) -> ClaimsWorld:
    return make_claims(north)


def of(world: ClaimsWorld) -> str:
    return f"{NIGHTS}{world.night.pk}/"


def search(client: TokenClient, region: str = "north", member: str = MEMBER) -> Any:
    return client.post(SEARCH, {"region": region, "member_id": member}, format="json")


def test_nights_are_listed_newest_first_of_the_tokens_regions(
    claims: ClaimsWorld, south: Region, north: Region, api: TokenClient
) -> None:
    make_claims(south)
    later = make_night(north, date(2026, 3, 3), lines=3)
    rows = api.get(NIGHTS).json()["results"]
    assert [(row["id"], row["run_date"]) for row in rows] == [
        (later.pk, "2026-03-03"),
        (claims.night.pk, "2026-03-02"),
    ]
    assert rows[1]["status"] == "complete"
    assert rows[1]["run"] == claims.run.pk
    assert api.get(rows[1]["url"]).status_code == 200
    assert len(api.get(f"{NIGHTS}?region=north&limit=1").json()["results"]) == 1


def test_a_night_says_its_steps_counts_end_and_slack(claims: ClaimsWorld, api: TokenClient) -> None:
    StepPart.objects.filter(step__name="adjudicate").update(outcomes={"paid": 1}, read=1)
    body = api.get(of(claims)).json()
    assert (body["status"], body["lines"], body["counts"]) == (
        "complete",
        3,
        {"paid": 1, "denied": 0, "rejected": 0},
    )
    assert (body["opens"], body["deadline"]) == ("2026-03-03T04:00:00+00:00", "2026-03-03T10:00:00+00:00")
    assert body["slack_minutes"] == 299
    assert [step["name"] for step in body["steps"]][:2] == ["extract", "validate"]
    step = body["steps"][4]
    assert (step["forecast"], step["verified"], step["share"]) == (False, True, 1.0)
    assert step["outputs"][0]["dollars"] == "3.00"
    assert step["outputs"][1] == {"name": "accumulators", "records": 12, "dollars": None, "digest": ""}
    assert step["predecessors"] == {"extract": 0, "validate": 0, "enrich": 0, "price": 0}
    assert body["capacity"] is None


def test_a_night_that_is_large_enough_says_when_the_window_is_full(north: Region, api: TokenClient) -> None:
    night = make_night(north, date(2026, 3, 3))
    assert 3_350_000 < api.get(f"{NIGHTS}{night.pk}/").json()["capacity"]["lines"] <= 3_360_000


def test_polling_is_cheap_until_something_changes(claims: ClaimsWorld, api: TokenClient) -> None:
    first = api.get(of(claims))
    again = api.get(of(claims), headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 304
    assert again["ETag"] == first["ETag"]
    StepState.objects.filter(name="price").update(restart_count=1)
    changed = api.get(of(claims), headers={"If-None-Match": first["ETag"]})
    assert changed.status_code == 200
    assert changed["ETag"] != first["ETag"]
    assert "no-cache" in changed["Cache-Control"]


def test_a_night_under_way_has_a_forecast(north: Region, api: TokenClient) -> None:
    night = make_night(
        north, date(2026, 3, 4), upto="price", status="running", begins=datetime(2026, 3, 5, 4, tzinfo=UTC)
    )
    body = api.get(f"{NIGHTS}{night.pk}/").json()
    assert body["status"] == "running"
    assert [step["forecast"] for step in body["steps"]] == [False, False, False, True, True, True]
    assert body["ends"].endswith(":00+00:00")


def test_a_members_accumulators_by_year(claims: ClaimsWorld, api: TokenClient) -> None:
    Accumulator.objects.create(region_id=claims.region.pk, member_id=MEMBER, benefit_year=2025, fields="{}")
    body = search(api).json()
    assert body == {
        "region": "north",
        "years": [
            {"benefit_year": 2025, "deductible_met": "0.00", "out_of_pocket_met": "0.00", "visits": {}},
            {"benefit_year": 2026, "deductible_met": "30.00", "out_of_pocket_met": "40.00", "visits": {"OFFICE": 1}},
        ],
    }
    assert search(api, member="NOBODY-1").json()["years"] == []


def test_each_reading_is_in_the_audit_log_without_the_id(claims: ClaimsWorld, api: TokenClient) -> None:
    search(api)
    entry = LogEntry.objects.filter(action=LogEntry.Action.ACCESS).get()
    assert entry.additional_data["api_token"] == api.token.pk
    assert MEMBER not in str(list(LogEntry.objects.values()))


def test_the_id_is_never_taken_from_the_address(claims: ClaimsWorld, api: TokenClient) -> None:
    assert api.get(f"{SEARCH}?region=north&member_id={MEMBER}").status_code == 405
    assert api.get(f"/api/v1/accumulators/?region=north&member={MEMBER}").status_code == 404
    assert api.post(f"{SEARCH}?member_id={MEMBER}", {"region": "north"}, format="json").status_code == 400


@pytest.mark.parametrize("status", ["running", "failed"])
def test_while_a_night_adjudicates_they_are_held(claims: ClaimsWorld, api: TokenClient, status: str) -> None:
    """S2-30"""
    StepState.objects.filter(name="adjudicate").update(status=status)
    response = search(api)
    assert response.status_code == 409
    error = response.json()["error"]
    assert error["code"] == "held"
    assert error["run"]["id"] == claims.run.pk
    assert MEMBER not in response.content.decode()
    StepState.objects.filter(name="adjudicate").update(status="complete")
    assert search(api).status_code == 200


def test_another_regions_night_holds_nothing_here(claims: ClaimsWorld, south: Region, api: TokenClient) -> None:
    other = make_claims(south)
    StepState.objects.filter(chain=other.night.chain, name="adjudicate").update(status="running")
    assert search(api).status_code == 200
    assert search(api, region="south").status_code == 404


@pytest.mark.parametrize("role", ["viewer", "engineer"])
def test_a_role_without_patient_data_reads_no_member(claims: ClaimsWorld, caller: Caller, role: str) -> None:
    client = caller(role, verbs=["claims:read"])
    assert search(client).status_code == 403
    assert client.get(of(claims)).status_code == 200


@pytest.mark.parametrize(
    "body", [{}, {"region": "north"}, {"region": "north", "member_id": 7}, {"region": "north", "member_id": "x" * 41}]
)
def test_a_search_that_is_none_is_400(claims: ClaimsWorld, api: TokenClient, body: dict[str, Any]) -> None:
    assert api.post(SEARCH, body, format="json").status_code == 400
