"""/api/v1/runs/: start, list, watch, read failures, stop, restart."""

from typing import Any

import pytest
from redis import Redis
from rest_framework.test import APIClient

from backoffice.runs.job import Fault
from backoffice.runs.models import Run
from regions.models import Region
from tests.api.conftest import Caller, TokenClient, make_run
from tests.running import finish
from tests.runs.toy import World

pytestmark = pytest.mark.django_db(transaction=True)

RUNS = "/api/v1/runs/"


def start(client: APIClient, **parameters: Any) -> Any:
    return client.post(RUNS, {"job": "toy", "region": "north", "parameters": parameters}, format="json")


def work(run_id: int) -> None:
    finish(Run.objects.get(pk=run_id))


@pytest.fixture
def toys(world: World, queue: Redis, north: Region) -> World:
    return world


def test_a_start_is_answered_with_the_run_and_its_address(toys: World, api: TokenClient, queue: Redis) -> None:
    response = start(api)
    assert response.status_code == 201
    body = response.json()
    assert (body["job"], body["region"], body["status"], body["reason"]) == ("toy", "north", "queued", "")
    assert response["Location"] == f"http://testserver{RUNS}{body['id']}/"
    assert Run.objects.get().started_by == api.owner
    assert queue.exists(*queue.keys("rq:job:part-*")) == 1


def test_a_second_start_is_409_with_the_run_that_is_live(toys: World, api: TokenClient) -> None:
    live = start(api).json()
    response = start(api)
    assert response.status_code == 409
    error = response.json()["error"]
    assert error["code"] == "already_running"
    assert error["run"] == {"id": live["id"], "url": f"http://testserver{RUNS}{live['id']}/"}
    assert Run.objects.count() == 1


def test_parameters_that_the_job_refuses_are_400_with_its_line(toys: World, api: TokenClient, queue: Redis) -> None:
    body = {"job": "recover_services", "region": "north", "parameters": {"from": "2026-02-01", "to": "2026-01-01"}}
    response = api.post(RUNS, body, format="json")
    assert response.status_code == 400
    (line,) = response.json()["error"]["fields"]["parameters"]
    assert line
    assert "\n" not in line
    assert not Run.objects.exists()


def test_without_a_queue_a_start_is_503_and_nothing_is_half_done(
    world: World, api: TokenClient, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = {name: {"URL": "redis://127.0.0.1:1/0"} for name in settings.RQ_QUEUES}
    monkeypatch.setattr("django_rq.settings.QUEUES", nobody, raising=False)
    settings.RQ_QUEUES = nobody
    response = start(api)
    assert response.status_code == 503
    assert response.json()["error"]["code"] == "unavailable"
    assert not Run.objects.exists()


def test_a_run_is_watched_to_its_end(toys: World, api: TokenClient) -> None:
    toys.judge = lambda number: Fault(category="data", reason="odd", reference=str(number)) if number % 2 else "done"
    address = start(api)["Location"]
    work(Run.objects.get().pk)
    body = api.get(address).json()
    assert (body["status"], body["read"], body["outcomes"]) == ("complete", 10, {"done": 5, "failed": 5})
    assert body["failures"] == {"data": {"odd": 5}}
    assert body["money"] == {"value": "1.00"}
    assert body["progress"]["share"] == 1.0


def test_an_unchanged_run_is_304_until_its_counters_move(toys: World, api: TokenClient) -> None:
    address = start(api)["Location"]
    first = api.get(address)
    again = api.get(address, HTTP_IF_NONE_MATCH=first["ETag"])
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    work(Run.objects.get().pk)
    later = api.get(address, HTTP_IF_NONE_MATCH=first["ETag"])
    assert later.status_code == 200
    assert later["ETag"] != first["ETag"]


def test_equal_etags_mean_equal_answers(toys: World, api: TokenClient) -> None:
    address = start(api)["Location"]
    work(Run.objects.get().pk)
    first, second = api.get(address), api.get(address)
    assert first["ETag"] == second["ETag"]
    assert first.content == second.content
    assert not first["ETag"].startswith("W/")


def test_a_run_that_did_not_change_costs_a_handful_of_queries(
    toys: World, api: TokenClient, django_assert_max_num_queries: Any
) -> None:
    address = start(api)["Location"]
    etag = api.get(address)["ETag"]
    with django_assert_max_num_queries(7):
        assert api.get(address, HTTP_IF_NONE_MATCH=etag).status_code == 304


def test_a_proxy_keeps_no_answer(toys: World, api: TokenClient) -> None:
    response = api.get(start(api)["Location"])
    assert "private" in response["Cache-Control"]
    assert "Authorization" in response["Vary"]
    assert "no-store" in api.get(RUNS)["Cache-Control"]


def test_failures_are_listed_page_by_page_and_by_category(toys: World, api: TokenClient) -> None:
    toys.judge = lambda number: Fault(category="low" if number < 5 else "high", reason="why", reference=str(number))
    address = start(api)["Location"]
    work(Run.objects.get().pk)
    found, url = [], f"{address}failures/?limit=4"
    while url:
        page = api.get(url).json()
        assert len(page["results"]) <= 4
        found += [row["reference"] for row in page["results"]]
        url = page["next"]
    assert found == [str(number) for number in range(10)]
    low = api.get(f"{address}failures/", {"category": "low", "resolution": "open"}).json()["results"]
    assert [row["reference"] for row in low] == ["0", "1", "2", "3", "4"]
    assert api.get(f"{address}failures/", {"resolution": "fixed"}).json()["results"] == []


def test_a_stopped_run_is_restarted_as_a_new_run_of_the_same_chain(toys: World, api: TokenClient) -> None:
    first = start(api).json()["id"]
    assert api.post(f"{RUNS}{first}/stop/").json()["status"] == "stopped"
    response = api.post(f"{RUNS}{first}/restart/")
    assert response.status_code == 201
    again = response.json()
    assert (again["attempt"], again["status"]) == (2, "queued")
    assert response["Location"] == f"http://testserver{RUNS}{again['id']}/"
    work(again["id"])
    assert api.get(response["Location"]).json()["read"] == 10


def test_what_has_ended_cannot_be_stopped(toys: World, api: TokenClient, north: Region) -> None:
    run = make_run(north, job="toy", key="all")
    response = api.post(f"{RUNS}{run.pk}/stop/")
    assert response.status_code == 409
    assert response.json()["error"]["code"] == "not_live"


def test_what_is_complete_cannot_be_continued(toys: World, api: TokenClient) -> None:
    run = start(api).json()["id"]
    work(run)
    response = api.post(f"{RUNS}{run}/restart/")
    assert response.status_code == 409
    assert response.json()["error"]["code"] == "not_restartable"


def test_a_live_run_cannot_be_restarted_and_is_named(toys: World, api: TokenClient) -> None:
    run = start(api).json()["id"]
    response = api.post(f"{RUNS}{run}/restart/")
    assert response.status_code == 409
    assert response.json()["error"]["run"]["id"] == run


def test_the_list_is_newest_first_and_filtered(north: Region, south: Region, caller: Caller) -> None:
    api = caller(regions=[north, south])
    old, new = make_run(north), make_run(south, status="failed", reason="config", job="toy")
    rows = api.get(RUNS).json()["results"]
    assert [row["id"] for row in rows] == [new.pk, old.pk]
    assert rows[0]["url"] == f"http://testserver{RUNS}{new.pk}/"
    assert [row["id"] for row in api.get(RUNS, {"region": "north"}).json()["results"]] == [old.pk]
    assert [row["id"] for row in api.get(RUNS, {"status": "failed"}).json()["results"]] == [new.pk]
    assert [row["id"] for row in api.get(RUNS, {"job": "recover_services"}).json()["results"]] == [old.pk]


def test_the_list_costs_the_same_however_many_runs_it_shows(
    north: Region, api: TokenClient, django_assert_max_num_queries: Any
) -> None:
    for _ in range(20):
        make_run(north)
    with django_assert_max_num_queries(6):
        assert len(api.get(RUNS).json()["results"]) == 20
