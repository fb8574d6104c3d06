"""The load of each process that is scaled by what waits for it, as it is now, and what is advised."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, cast

from django.conf import settings
from django.utils import timezone
from redis import Redis
from rq.exceptions import NoSuchJobError
from rq.job import Job

from backoffice.deploy.advice import Advice, Bounds, Load, advise
from backoffice.deploy.kubernetes import horizontal, scaled
from backoffice.deploy.processes import Process, in_kubernetes
from backoffice.runs import service_time
from clinic.events.consumers import consumer_named
from clinic.events.standing import standing_of

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One process: its load, how many run (`alive`), and the advice."""

    process: Process
    load: Load
    alive: int
    advice: Advice


def rows(client: Redis) -> Iterator[Row]:
    """Of all regions together. RedisError where the queue's server does not answer."""
    for process in in_kubernetes():
        if process.queue or process.consumer:
            load, alive = _of_queue(client, process.queue) if process.queue else _of_consumer(client, process.consumer)
            bounds = Bounds(least=process.least, most=process.most, per=process.per)
            advice = advise(load, bounds, within=settings.SCALE_WITHIN_SECONDS)
            yield Row(process=process, load=load, alive=alive, advice=advice)


def as_keda(found: list[Row]) -> list[Json]:
    """A ScaledObject for each that is on, one more replica for each `per` that was measured."""
    return [scaled(replace(row.process, per=row.advice.per)) for row in found if row.process.most > row.process.least]


def as_hpa(found: list[Row]) -> list[Json]:
    """Where KEDA is not: processor and memory scale from the number that is advised now. Nothing scales from zero."""
    return [horizontal(row.process.name, row.advice.replicas, row.process.most) for row in found if row.advice.replicas]


def _of_queue(client: Redis, name: str) -> tuple[Load, int]:
    waiting = f"rq:queue:{name}"
    took = service_time.measured(client, service_time.of_queue(name))
    lag = client.llen(waiting)
    load = Load(lag=lag, oldest=_age_of_first(client, waiting), service=took.each, rate=took.rate)
    return load, client.scard(f"rq:workers:{name}")


def _age_of_first(client: Redis, waiting: str) -> float:
    first = client.lindex(waiting, 0)
    if first is None:
        return 0.0
    try:
        job = Job.fetch(cast(bytes, first).decode(), connection=client)
    except NoSuchJobError:  # taken meanwhile
        return 0.0
    since = job.enqueued_at or job.created_at
    return max((datetime.now(UTC) - since).total_seconds(), 0.0)


def _of_consumer(client: Redis, name: str) -> tuple[Load, int]:
    standing = standing_of(consumer_named(name), None, client)
    took = service_time.measured(client, service_time.of_consumer(name))
    oldest = (timezone.now() - standing.oldest).total_seconds() if standing.oldest else 0.0
    return Load(lag=standing.lag, oldest=oldest, service=took.each, rate=took.rate), standing.alive or 0
