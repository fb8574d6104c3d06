"""A consumer's replicas: each event once, in order per subject, tried again, dead after five tries, replayed."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from redis import Redis

from clinic.events import failing, stream
from clinic.events import replica as replicas
from clinic.events.consumers import consumer_named, register_consumer
from clinic.events.models import DeadLetter, Inbox
from clinic.events.standing import standing_of
from clinic.events.stream import STREAM
from regions.models import Region
from tests.events import toy
from tests.events.conftest import Consume
from tests.factories import UserFactory
from tests.processes import Processes

pytestmark = pytest.mark.django_db(transaction=True)
Do = Callable[[], object]


def sequences() -> list[int]:
    return [sequence for _, _, sequence in toy.effects()]


def due_now() -> None:
    """The pauses before the next try are over."""
    DeadLetter.objects.update(retry_at=timezone.now())


def consume_again(consume: Do) -> None:
    due_now()
    consume()


@pytest.fixture
def no_pauses(settings: Any) -> None:
    """Each try follows at once."""
    settings.EVENT_RETRY_SECONDS = [0.0]


def test_an_event_that_comes_twice_takes_effect_once(publish: Do, consume: Do, queue: Redis, north: Region) -> None:
    (event,) = toy.happen(north, "one")
    publish()
    queue.xadd(STREAM, {"event": event.number, "type": event.type})
    consume()
    assert sequences() == [1]
    assert queue.xpending(STREAM, "toy")["pending"] == 0


def test_events_come_in_order_though_the_stream_has_them_in_another(
    publish: Do, consume: Do, queue: Redis, north: Region
) -> None:
    events = [*toy.happen(north, "one"), *toy.happen(north, "one"), *toy.happen(north, "one")]
    publish()
    queue.xtrim(STREAM, maxlen=0)
    for event in reversed(events):
        queue.xadd(STREAM, {"event": event.number, "type": event.type})
    consume()
    assert sequences() == [1, 2, 3]


def test_a_replica_waits_for_an_earlier_event_that_another_one_holds(
    publish: Do, replica: Consume, queue: Redis, north: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replicas, "BATCH", 1)
    first, second = replica(), replica()
    toy.happen(north, "one")
    toy.happen(north, "one")
    publish()
    first._take(first.reader.read(1, wait=0))
    second.turn(wait=0)
    assert sequences() == []
    assert list(second.held)
    first.turn(wait=0)
    second.held[max(second.held)].due = 0
    second.turn(wait=0)
    assert sequences() == [1, 2]


def test_what_a_dead_replica_held_is_claimed_and_done(
    publish: Do, replica: Consume, queue: Redis, north: Region
) -> None:
    dead = replica()
    toy.happen(north, "one", "two")
    publish()
    dead.reader.read(10, wait=0)
    living = replica(claim_after=0)
    living.turn(wait=0)
    assert sequences() == [1, 1]
    assert queue.xpending(STREAM, "toy")["pending"] == 0
    assert not DeadLetter.objects.exists()


def test_other_types_are_settled_without_a_row(publish: Do, consume: Do, queue: Redis, north: Region) -> None:
    toy.happen(north, "one", kind="other.done")
    publish()
    consume()
    assert not Inbox.objects.exists()
    assert queue.xpending(STREAM, "toy")["pending"] == 0


def test_poison_is_tried_five_times_then_dead_and_its_subject_goes_on(
    publish: Do, consume: Do, no_pauses: None, queue: Redis, north: Region
) -> None:
    toy.happen(north, "one", poison=True)
    toy.happen(north, "one")
    toy.happen(north, "two")
    publish()
    consume()
    letter = DeadLetter.objects.get()
    assert (letter.state, letter.tries, letter.error, letter.reason) == ("dead", 5, "EventRefused", "poisoned")
    assert [(subject, sequence) for _, subject, sequence in toy.effects()] == [("two", 1), ("one", 2)]
    assert queue.xpending(STREAM, "toy")["pending"] == 0


def test_a_failing_event_holds_the_later_ones_of_its_subject_until_its_next_try(
    publish: Do, replica: Consume, north: Region
) -> None:
    one = replica()
    toy.happen(north, "one", poison=True)
    toy.happen(north, "one")
    publish()
    one.turn(wait=0)
    toy.note(toy.CURE)
    one.turn(wait=0)
    assert sequences() == []
    one.held[min(one.held)].due = 0
    one.turn(wait=0)
    assert sequences() == [1, 2]
    assert DeadLetter.objects.get().state == "handled"


def test_a_dead_letter_says_class_and_place_but_nothing_of_a_patient(
    publish: Do, consume: Do, no_pauses: None, north: Region
) -> None:
    toy.happen(north, "one", broken=True)
    publish()
    consume()
    letter = DeadLetter.objects.get()
    assert letter.error == "ValueError"
    assert letter.reason.startswith("toy.py:")
    assert "Example" not in letter.reason


def test_a_replayed_dead_letter_is_handled_once(publish: Do, consume: Do, no_pauses: None, north: Region) -> None:
    toy.happen(north, "one", poison=True)
    publish()
    consume()
    toy.note(toy.CURE)
    user = UserFactory.create()
    assert failing.replay([DeadLetter.objects.get()], user) == 1
    assert failing.replay([DeadLetter.objects.get()], user) == 0
    consume()
    consume()
    assert sequences() == [1]
    assert DeadLetter.objects.get().state == "handled"
    assert Inbox.objects.get().dead is False


def test_a_replay_that_fails_again_is_dead_again(publish: Do, consume: Do, no_pauses: None, north: Region) -> None:
    toy.happen(north, "one", poison=True)
    publish()
    consume()
    failing.replay([DeadLetter.objects.get()], UserFactory.create())
    for _ in range(failing.MOST_TRIES + 1):
        consume_again(consume)
    letter = DeadLetter.objects.get()
    assert (letter.state, letter.tries) == ("dead", 5)


def test_an_event_that_ends_its_consumer_each_time_is_dead_in_the_end(
    publish: Do, replica: Consume, no_pauses: None, north: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    """X-16: and those that were with it are not."""

    def end(event: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(toy, "note", lambda *_: None)
    toy.happen(north, "one", poison=True)
    toy.happen(north, "two")
    publish()
    monkeypatch.setattr(toy, "effects", end)
    for _ in range(failing.MOST_TRIES + 1):
        with pytest.raises(KeyboardInterrupt):
            replica(claim_after=0).turn(wait=0)
    replica(claim_after=0).turn(wait=0)
    letter = DeadLetter.objects.get(state="dead")
    assert (letter.error, letter.reason) == ("ConsumerEnded", "ended_while_it_handled_this")
    assert Inbox.objects.filter(dead=False).count() == 1


def test_the_standing_counts_what_is_owed_and_how_old_it_is(
    publish: Do, consume: Do, queue: Redis, north: Region, no_pauses: None
) -> None:
    publish()
    (event, _) = toy.happen(north, "one", "two")
    toy.happen(north, "three", poison=True)
    publish()
    before = standing_of(toy.TOY, None, queue)
    assert (before.lag, before.oldest, before.dead) == (3, event.recorded_at, 0)
    assert standing_of(toy.TOY, [], queue).lag == 0
    consume()
    after = standing_of(toy.TOY, [north.pk], queue)
    assert (after.lag, after.oldest, after.dead, after.pending) == (0, None, 1, 0)


def test_a_name_is_registered_once(toys: None) -> None:
    with pytest.raises(ValueError, match="toy"):
        register_consumer(type(toy.TOY)(name="toy", title="Another", types=("x.",), handle=toy.handle))
    assert consumer_named("checkup").replicas == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nobody",), "No consumer is called 'nobody'. Consumers: checkup"),
        (("checkup",), "checkup is off (0 replicas, to be reviewed by 2027-02-01). --although-off runs it"),
    ],
)
def test_wrong_use_is_one_line_and_status_2(processes: Processes, arguments: tuple[str, ...], said: str) -> None:
    done = processes.manage("consume", *arguments)
    assert done.ends() == 2
    assert said in done.output


@pytest.mark.slow
def test_a_consumer_that_is_off_can_be_tried(processes: Processes, queue: Redis, north: Region) -> None:
    """[S4-06]"""
    done = processes.manage("consume", "checkup", "--once", "--although-off")
    assert (done.ends(), done.output) == (0, "")


def test_a_replica_that_has_nothing_to_do_is_seen_to_live(queue: Redis, transactional_db: None) -> None:
    """[S4-22] Redis before 7.2 does not note a read that brings nothing."""
    with stream.connect() as client:
        replica = replicas.Replica(consumer=consumer_named("notification"), client=client)
        replica.turn(wait=0)
        assert stream.group_standing(client, "notification").replicas == 1
        replica.leave()
        assert stream.group_standing(client, "notification").replicas == 0
