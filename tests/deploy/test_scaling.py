"""The scaling advisor: how many replicas, from what waits, how long it has, and how long one takes."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import django_rq
import jsonschema
import kubernetes_validate
import pytest
import yaml
from django.core.management import call_command
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis

from backoffice.deploy.advice import Bounds, Load, advise
from backoffice.deploy.loads import rows
from backoffice.runs import service_time
from clinic.events.models import Outbox
from clinic.events.outbox import record
from clinic.events.publishing import publish_events
from tests.deploy.keda import SCHEMAS
from tests.factories import RegionFactory
from tests.processes import Processes, until

WITHIN = 300.0
some = st.floats(min_value=0, max_value=1e5, allow_nan=False)
times = st.floats(min_value=1e-4, max_value=1e4)
loads = st.builds(Load, lag=st.integers(0, 10**6), oldest=some, service=st.none() | times, rate=some)
bounds = st.builds(
    lambda least, more, per: Bounds(least=least, most=least + more, per=per),
    st.integers(1, 5), st.integers(0, 20), st.integers(1, 500),
)  # fmt: skip


@given(load=loads, bounds=bounds, within=st.floats(min_value=1, max_value=1e5))
def test_it_stays_within_what_is_allowed_and_never_below_the_least(load: Load, bounds: Bounds, within: float) -> None:
    """[S4-14] [S4-16]"""
    advice = advise(load, bounds, within=within)
    assert bounds.least <= advice.replicas <= bounds.most
    assert advice.per >= 1


@given(load=loads, bounds=bounds, lags=st.lists(st.integers(0, 10**6), min_size=2, max_size=6))
def test_the_longer_the_queue_the_more(load: Load, bounds: Bounds, lags: list[int]) -> None:
    """[S4-15]"""
    found = [replicas(load, bounds, lag=lag) for lag in sorted(lags)]
    assert all(fewer <= more for fewer, more in pairwise(found))


@given(load=loads, bounds=bounds, ages=st.lists(some, min_size=2, max_size=6))
def test_the_older_the_oldest_the_more(load: Load, bounds: Bounds, ages: list[float]) -> None:
    found = [replicas(load, bounds, oldest=age) for age in sorted(ages)]
    assert all(fewer <= more for fewer, more in pairwise(found))


@given(load=loads, bounds=bounds, each=st.lists(times, min_size=2, max_size=6))
def test_the_slower_each_is_the_more(load: Load, bounds: Bounds, each: list[float]) -> None:
    found = [replicas(load, bounds, service=seconds) for seconds in sorted(each)]
    assert all(fewer <= more for fewer, more in pairwise(found))


@given(load=loads)
def test_what_is_off_stays_off_whatever_waits_for_it(load: Load) -> None:
    """[S4-06] [S4-17]"""
    advice = advise(load, Bounds(least=0, most=0), within=WITHIN)
    assert (advice.replicas, advice.capped) == (0, False)


def replicas(load: Load, bounds: Bounds, **changes: Any) -> int:
    said = {name: getattr(load, name) for name in ("lag", "oldest", "service", "rate")}
    return advise(Load(**{**said, **changes}), bounds, within=WITHIN).replicas


@pytest.mark.parametrize(
    ("load", "needed"),
    [
        (Load(lag=0), 0),
        (Load(lag=600, service=1.0), 2),  # 600 s of work in 300 s
        (Load(lag=600, service=1.0, oldest=150.0), 4),  # half of the time is over
        (Load(lag=600, service=1.0, oldest=9999.0), 8),  # in a quarter of it
        (Load(lag=0, service=0.4, rate=10.0), 5),  # four that are always busy are five that are not
        (Load(lag=40), 2),  # nothing measured: one for each twenty
    ],
)
def test_by_example(load: Load, needed: int) -> None:
    assert advise(load, Bounds(least=0, most=50), within=WITHIN).replicas == needed


def test_it_says_when_more_would_be_needed_than_are_allowed() -> None:
    assert advise(Load(lag=10**6, service=1.0), Bounds(least=2, most=6), within=WITHIN).capped


def test_what_one_takes_is_of_this_hour_and_the_last(queue: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_700_000_000.0
    monkeypatch.setattr("time.time", lambda: now)
    assert service_time.measured(queue, "queue/low").each is None
    service_time.note(queue, "queue/low", 3, 1.5)
    service_time.note(queue, "queue/low", 1, 0.5)
    service_time.note(queue, "queue/default", 1, 99.0)
    assert service_time.measured(queue, "queue/low").each == 0.5
    now += 3600
    assert service_time.measured(queue, "queue/low").count == 4
    now += 3600
    assert service_time.measured(queue, "queue/low").each is None


def test_a_server_that_is_away_does_not_fail_what_was_measured() -> None:
    with Redis.from_url("unix:///nowhere.sock") as client:
        service_time.note(client, "queue/low", 1, 1.0)


def row(client: Redis, name: str) -> Any:
    return {each.process.name: each for each in rows(client)}[name]


@pytest.mark.django_db(transaction=True)
def test_a_queue_that_grows_asks_for_workers_and_events_for_replicas(queue: Redis) -> None:
    """[S4-15] [S4-16]"""
    assert row(queue, "worker-low").advice.replicas == 0
    assert row(queue, "consumer-notification").advice.replicas == 2
    for _ in range(45):
        django_rq.get_queue("low").enqueue("time.sleep", 0)
    first = django_rq.get_queue("low").get_jobs(length=1)[0]
    first.enqueued_at = datetime.now(UTC) - timedelta(seconds=120)
    first.save()
    found = row(queue, "worker-low")
    assert (found.load.lag, round(found.load.oldest)) == (45, 120)
    assert found.advice.replicas == 4  # 45 at one in 15 s, in the 180 s that are left
    region = RegionFactory.create()
    publish_events(queue)
    with transaction.atomic():
        for number in range(30):
            record(region, "pos.order.placed", f"pos/{number:02}", {})
    service_time.note(queue, service_time.of_consumer("pos-orders"), 10, 400.0)
    found = row(queue, "consumer-pos-orders")
    assert (found.load.lag, found.load.service) == (30, 40.0)
    assert found.advice.replicas == 5
    assert row(queue, "consumer-checkup").advice.replicas == 0


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_workers_and_replicas_note_how_long_they_took(processes: Processes, queue: Redis) -> None:
    django_rq.get_queue("low").enqueue("time.sleep", 0.2)
    processes.manage("work", "--queues", "low")
    name = service_time.of_queue("low")
    until(lambda: service_time.measured(queue, name).count == 1)
    assert 0.2 <= (service_time.measured(queue, name).each or 0) < 5
    publish_events(queue)
    with transaction.atomic():
        record(RegionFactory.create(), "pos.order.placed", "pos/1", {})
    publish_events(queue)
    assert Outbox.objects.exclude(published_at=None).exists()
    assert processes.manage("consume", "pos-orders", "--once").ends() == 0
    assert service_time.measured(queue, service_time.of_consumer("pos-orders")).count >= 1


@pytest.mark.django_db(transaction=True)
def test_the_command_prints_it_and_writes_what_kubernetes_takes(queue: Redis, capsys: Any) -> None:
    """[S4-14] [S4-15]"""
    service_time.note(queue, service_time.of_consumer("notification"), 100, 50.0)
    call_command("scaling_advice")
    lines = dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines())
    assert lines["consumer-notification"] == "2 (0 run): 0 wait, 0.500 s each; 2 to 6"
    assert lines["consumer-checkup"] == "0: off, review by 2027-02-01"
    assert lines["worker-low"] == "0 (0 run): 0 wait, none measured; 0 to 5"
    call_command("scaling_advice", "--format", "keda")
    found = {each["metadata"]["name"]: each for each in yaml.safe_load_all(capsys.readouterr().out)}
    for each in found.values():
        jsonschema.validate(each, SCHEMAS["ScaledObject"])
    assert "consumer-checkup" not in found
    metadata = found["consumer-notification"]["spec"]["triggers"][0]["metadata"]
    assert metadata["lagCount"] == "600"  # half a second each, 300 s
    call_command("scaling_advice", "--format", "hpa")
    scalers = {each["metadata"]["name"]: each for each in yaml.safe_load_all(capsys.readouterr().out)}
    for each in scalers.values():
        kubernetes_validate.validate(each, "1.31", strict=True)
    assert set(scalers) == {"consumer-notification", "consumer-pos-orders", "consumer-lis-sample-status"}
    assert scalers["consumer-pos-orders"]["spec"]["minReplicas"] == 2
