"""Publisher and consumers killed at random while events pass: nothing lost, nothing done twice, all in order. X-16"""

import os
import random
import signal
import sys
import time
from contextlib import suppress
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import pytest
from redis import Redis

from clinic.events.models import DeadLetter, Inbox, Outbox
from clinic.events.stream import STREAM
from regions.models import Region
from tests.events import toy
from tests.processes import Processes, Running, until

pytestmark = pytest.mark.django_db(transaction=True)


def start(processes: Processes, replicas: int) -> Running:
    lines = ["publish_events --every 0.05", *["consume toy"] * replicas]
    return processes.start(sys.executable, "-m", "tests.events.nursery", *lines, EVENT_CLAIM_SECONDS="0.5")


def kill_one(nursery: Running, chance: random.Random) -> bool:
    """One of the children that live."""
    born = [int(line.split()[0]) for line in nursery.output.splitlines() if line.split()[0].isdigit()]
    living = [pid for pid in born if Path(f"/proc/{pid}").exists()]
    with suppress(ProcessLookupError):
        os.kill(chance.choice(living), signal.SIGKILL)
        return True
    return False


def assert_each_once_and_in_order(events: int, queue: Redis) -> None:
    done = toy.effects()
    assert len(done) == events == len({number for number, _, _ in done})
    for subject, of_subject in groupby(sorted(done, key=itemgetter(1)), key=itemgetter(1)):
        sequences = [sequence for _, _, sequence in of_subject]
        assert sequences == list(range(1, len(sequences) + 1)), subject
    assert Inbox.objects.filter(consumer="toy", dead=False).count() == events
    assert not Outbox.objects.filter(published_at=None).exists()
    assert not DeadLetter.objects.filter(state="dead").exists()
    until(lambda: queue.xpending(STREAM, "toy")["pending"] == 0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("events", "subjects", "replicas", "pause"),
    [
        (300, 20, 3, 0.05),
        (300, 3, 1, 0.05),
        (10_000, 400, 3, 0.5),
    ],
)
def test_each_event_takes_effect_once_and_in_order_whoever_is_killed(
    processes: Processes,
    queue: Redis,
    toys: None,
    north: Region,
    events: int,
    subjects: int,
    replicas: int,
    pause: float,
) -> None:
    chance = random.Random(events)
    nursery = start(processes, replicas)
    nursery.says("publish_events")
    recorded = killed = 0
    while len(toy.effects()) < events:
        if recorded < events:
            many = min(chance.randint(5, events // 15), events - recorded)
            for first in range(recorded, recorded + many, 100):
                last = min(first + 100, recorded + many)
                toy.happen(north, *sorted(f"subject-{chance.randrange(subjects)}" for _ in range(first, last)))
            recorded += many
        if killed < 12 or recorded < events:
            killed += kill_one(nursery, chance)
        time.sleep(pause)
    nursery.signal(signal.SIGTERM)
    assert killed >= 8, nursery.output
    assert_each_once_and_in_order(events, queue)
    assert nursery.ends() == 0, nursery.output
