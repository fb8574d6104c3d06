"""/api/v1/missing-services/: the worklist, read."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from auditlog.models import LogEntry

from regions.models import Region
from tests.api.conftest import Caller, TokenClient, make_missing

pytestmark = pytest.mark.django_db

MISSING = "/api/v1/missing-services/"


def ids(response: Any) -> list[int]:
    assert response.status_code == 200, response.content
    return [row["id"] for row in response.json()["results"]]


def test_the_most_urgent_money_comes_first(north: Region, api: TokenClient) -> None:
    low, high = make_missing(north, priority="5.00"), make_missing(north, priority="50.00")
    assert ids(api.get(MISSING)) == [high.pk, low.pk]


def test_a_row_says_what_finance_needs(north: Region, api: TokenClient) -> None:
    make_missing(north, reasons="a;b", note="call them")
    (row,) = api.get(MISSING).json()["results"]
    assert (row["region"], row["patient_reference"], row["at_stake"]) == ("north", "P-1", "100.00")
    assert (row["reasons"], row["note"]) == (["a", "b"], "call them")
    assert isinstance(row["days_left"], int)


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ({"status": "dismissed"}, {"status": "dismissed"}),
        ({"category": "validation"}, {"category": "validation"}),
        ({"blocked_by": "physician:D2"}, {"blocked_by": "physician:D2"}),
        ({"min_at_stake": "100.01"}, {"at_stake": "100.01"}),
        ({"from": "2026-03-03"}, {"start": datetime(2026, 3, 3, 6, tzinfo=UTC)}),
        ({"to": "2026-03-02"}, {"start": datetime(2026, 3, 2, 5, 59, tzinfo=UTC)}),
    ],
    ids=str,
)
def test_each_filter_finds_its_rows_alone(query: Any, fields: Any, north: Region, api: TokenClient) -> None:
    make_missing(north)
    make_missing(north, at_stake=None)
    wanted = make_missing(north, **fields)
    assert ids(api.get(MISSING, query)) == [wanted.pk]


def test_an_assignee_is_found_by_name(north: Region, api: TokenClient) -> None:
    make_missing(north)
    mine = make_missing(north, assignee=api.owner)
    assert ids(api.get(MISSING, {"assignee": api.owner.username})) == [mine.pk]


def test_a_day_is_the_day_of_each_row_s_own_region(north: Region, south: Region, caller: Caller) -> None:
    """Between 17:00 and 05:00 UTC it is another day in Jakarta than in Chicago."""
    api = caller(regions=[north, south])
    evening = datetime(2026, 3, 2, 18, tzinfo=UTC)
    in_chicago, in_jakarta = make_missing(north, start=evening), make_missing(south, start=evening)
    assert ids(api.get(MISSING, {"from": "2026-03-02", "to": "2026-03-03"})) == [in_chicago.pk]
    assert ids(api.get(MISSING, {"from": "2026-03-03", "to": "2026-03-04"})) == [in_jakarta.pk]


@pytest.mark.parametrize("ordering", ["priority", "at_stake", "start", "filing_deadline", "id"])
@pytest.mark.parametrize("sign", ["", "-"])
def test_pages_in_every_order_show_each_row_once(
    ordering: str, sign: str, north: Region, south: Region, caller: Caller
) -> None:
    api = caller(regions=[north, south])
    for number in range(7):
        make_missing(
            south if number % 2 else north,
            status=("open", "closed", "found")[number % 3],
            priority=f"{number // 3}.50",
            at_stake=None if number % 3 == 0 else f"{number // 2}.10",
            start=datetime(2026, 3, 1 + number % 2, 12, 0, 0, number + 1, tzinfo=UTC),
            filing_deadline=date(2027, 1, 1 + number % 2),
        )
    found: list[dict[str, Any]] = []
    url = f"{MISSING}?limit=2&ordering={sign}{ordering}"
    while url:
        page = api.get(url).json()
        found, url = found + page["results"], page["next"]
    assert len({row["id"] for row in found}) == len(found) == 7
    keys = [float(row[ordering] or -1) if ordering in {"priority", "at_stake"} else row[ordering] for row in found]
    assert keys == sorted(keys, reverse=bool(sign))


def test_a_list_costs_the_same_however_many_rows_it_shows(
    north: Region, api: TokenClient, django_assert_max_num_queries: Any
) -> None:
    make_missing(north)
    api.get(MISSING)  # what is read once in a process is not counted
    for _ in range(19):
        make_missing(north)
    with django_assert_max_num_queries(12):
        assert len(ids(api.get(MISSING))) == 20


@pytest.mark.parametrize("role", ["viewer", "engineer"])
def test_who_may_not_see_patients_sees_the_row_without_them(role: str, north: Region, caller: Caller) -> None:
    row = make_missing(north, patient_id="P-77", note="about P-77", dismissed_reason="P-77 asked")
    client = caller(role)
    for response in (client.get(MISSING), client.get(f"{MISSING}{row.pk}/")):
        assert response.status_code == 200
        assert "P-77" not in response.content.decode()
        assert not LogEntry.objects.filter(action=LogEntry.Action.ACCESS).exists()


def test_a_list_that_shows_patients_leaves_one_entry_that_names_its_rows(north: Region, api: TokenClient) -> None:
    rows = [make_missing(north), make_missing(north)]
    api.get(MISSING)
    entry = LogEntry.objects.get(action=LogEntry.Action.ACCESS)
    assert entry.actor == api.owner
    assert sorted(entry.additional_data["rows"]) == [row.pk for row in rows]
    assert "P-1" not in str(entry.additional_data)


def test_a_row_that_is_read_leaves_an_entry_of_its_own(north: Region, api: TokenClient) -> None:
    row = make_missing(north)
    assert api.get(f"{MISSING}{row.pk}/").json()["patient_reference"] == "P-1"
    entry = LogEntry.objects.get(action=LogEntry.Action.ACCESS)
    assert (entry.object_id, entry.actor) == (row.pk, api.owner)


def test_an_empty_list_leaves_no_entry(api: TokenClient) -> None:
    assert ids(api.get(MISSING)) == []
    assert not LogEntry.objects.filter(action=LogEntry.Action.ACCESS).exists()
