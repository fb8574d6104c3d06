"""Recording and publishing: with what happened or not at all, in order per subject, by any number of publishers."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone
from redis import Redis
from rq import Queue

from clinic.events import consumers, publishing
from clinic.events.models import ConsumerState, DeadLetter, Outbox
from clinic.events.outbox import NotInTransaction, record
from clinic.events.stream import STREAM, trim
from regions.models import Region
from tests.events import toy
from tests.processes import Processes

Publish = Callable[[], int]
real = pytest.mark.django_db(transaction=True)


def published(queue: Redis) -> list[int]:
    entries: Any = queue.xrange(STREAM)
    return [int(fields[b"event"]) for _, fields in entries]


@real
def test_an_event_is_recorded_with_what_happened_or_not_at_all(north: Region) -> None:
    with pytest.raises(NotInTransaction):
        record(north, "toy.done", "one", {})
    with transaction.atomic():
        record(north, "toy.done", "one", {})
        transaction.set_rollback(True)
    assert not Outbox.objects.exists()
    (first,), (second,) = toy.happen(north, "one"), toy.happen(north, "one", at="2026-11-29T10:00:00Z")
    assert (first.sequence, second.sequence) == (1, 2)
    assert second.data == {"at": "2026-11-29T10:00:00Z"}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "subject"), [("done", "x"), ("Toy.done", "x"), ("toy.done", ""), ("toy.x", "x" * 201)]
)
def test_what_is_no_type_or_subject_is_refused(north: Region, kind: str, subject: str) -> None:
    with pytest.raises(ValueError, match="An event has a type"):
        record(north, kind, subject, {})


@real
def test_events_of_one_subject_are_numbered_in_the_order_of_their_commits(north: Region) -> None:
    """Eight threads, one subject: no number twice, none left out."""

    def work() -> None:
        for _ in range(5):
            toy.happen(north, "one")
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = Outbox.objects.order_by("pk").values_list("sequence", flat=True)
    assert list(rows) == list(range(1, 41))


@real
def test_what_is_recorded_is_published_once_in_order(publish: Publish, queue: Redis, north: Region) -> None:
    events = [toy.happen(north, "one", "two") for _ in range(3)]
    assert publish() == 6
    assert publish() == 0
    assert published(queue) == [event.number for pair in events for event in pair]


@real
def test_two_publishers_at_once_keep_the_order_of_each_subject(
    publish: Publish, queue: Redis, north: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "BATCH", 3)
    for _ in range(10):
        toy.happen(north, *(f"subject-{number}" for number in range(5)))

    def work() -> None:
        publish()
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    publish()
    rows = Outbox.objects.in_bulk(published(queue))
    assert len(rows) == 50
    for subject in range(5):
        of_subject = [
            rows[number].sequence for number in published(queue) if rows[number].subject.endswith(str(subject))
        ]
        assert of_subject == list(range(1, 11))


@real
def test_jobs_are_enqueued_under_an_id_of_the_event(publish: Publish, queue: Redis, north: Region) -> None:
    (event,) = toy.happen(north, "one", job=True)
    publish()
    (job,) = Queue("low", connection=queue).jobs
    assert (job.func_name, job.args, job.id) == ("tests.events.toy.job", (event.number,), f"event-{event.id.hex}-0")
    assert job.meta["correlation_id"] == event.trace


@real
def test_a_trigger_that_fails_holds_nothing_up_and_is_tried_again(
    publish: Publish, queue: Redis, north: Region
) -> None:
    toy.happen(north, "one", job=True, broken_trigger=True)
    assert publish() == 1
    letter = DeadLetter.objects.get()
    assert (letter.consumer, letter.error, letter.state) == ("publish-events", "ValueError", "retrying")
    assert "Example" not in letter.reason
    toy.note(toy.CURE)
    DeadLetter.objects.update(retry_at=timezone.now())
    publish()
    assert Queue("low", connection=queue).count == 1
    assert DeadLetter.objects.get().state == "handled"


@real
def test_what_the_server_lost_is_published_again(
    publish: Publish, consume: Callable[[], None], queue: Redis, north: Region
) -> None:
    toy.happen(north, "one")
    publish()
    consume()
    toy.happen(north, "one")
    publish()
    queue.flushdb()
    Outbox.objects.update(published_at=timezone.now() - publishing.LOST_AFTER * 2)
    assert publish() == 1
    consume()
    assert [sequence for _, _, sequence in toy.effects()] == [1, 2]


@pytest.mark.slow
@real
def test_the_stream_forgets_what_every_consumer_is_done_with(
    publish: Publish, consume: Callable[[], None], queue: Redis, north: Region
) -> None:
    """Approximately: by whole nodes of a hundred entries."""
    toy.happen(north, *(f"subject-{number:03}" for number in range(120)))
    publish()
    consume()
    publish()
    assert len(published(queue)) == 120
    trim(queue, ["toy", "another"], kept=timedelta())
    assert len(published(queue)) == 120
    trim(queue, ["toy"], kept=timedelta())
    assert len(published(queue)) < 50


@real
def test_a_new_consumer_owes_nothing_for_what_was_published_before_it(
    publish: Publish, consume: Callable[[], None], north: Region
) -> None:
    toy.happen(north, "one")
    publish()
    ConsumerState.objects.filter(name="toy").delete()
    toy.happen(north, "one")
    publish()
    consume()
    assert [sequence for _, _, sequence in toy.effects()] == [2]


@real
def test_a_consumer_that_was_off_begins_anew(
    publish: Publish, consume: Callable[[], None], north: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish()
    monkeypatch.setitem(consumers._consumers, "toy", replace(toy.TOY, replicas=0))
    toy.happen(north, "one")
    publish()
    monkeypatch.setitem(consumers._consumers, "toy", toy.TOY)
    toy.happen(north, "one")
    publish()
    consume()
    assert [sequence for _, _, sequence in toy.effects()] == [2]


@pytest.mark.slow
@real
def test_the_command_publishes_and_refuses_what_is_no_region(processes: Processes, queue: Redis, north: Region) -> None:
    toy.happen(north, "one")
    done = processes.manage("publish_events", "--region", "north")
    assert (done.ends(), done.output) == (0, "")
    assert len(published(queue)) == 1
    wrong = processes.manage("publish_events", "--region", "nowhere")
    assert wrong.ends() == 2
    assert "No region is called 'nowhere'" in wrong.output
