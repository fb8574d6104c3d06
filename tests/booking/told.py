"""Events from outside as they are stored, published and handled, and hypothesis' samples of them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from hypothesis import strategies as st
from redis import Redis

from clinic.booking.outside.laboratory import LIS_SAMPLE_STATUS
from clinic.booking.outside.samples import Said
from clinic.booking.outside.till import POS_ORDERS
from clinic.events.inbound.storing import Message, Told, store
from clinic.events.publishing import publish_events
from clinic.events.replica import Replica
from regions.models import Region

MORNING = datetime(2026, 3, 2, 14, tzinfo=UTC)
Tell = Callable[..., None]
_messages = count(1)


def moment(minutes: int) -> str:
    """So long after the morning began, as a laboratory writes it."""
    return (MORNING + timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")


def tell(region: Region, type: str, order: str = "O-7", **data: Any) -> None:
    """Store one event, of the appointment A-1 where `data` names no other; appointment_id=None names none."""
    channel = type.partition(".")[0]
    named = {"appointment_id": "A-1", "order_id": order, **data}
    plain = {key: str(value) for key, value in named.items() if value is not None}
    message = Message(channel=channel, protocol="webhook", id=f"m-{next(_messages)}", body=b"{}")
    store(region, message, [Told(type=type, subject=f"{channel}/{order}", data=plain)])


def handle_all(client: Redis) -> None:
    """Publish, and let a replica of each of the two consumers do all there is to do, until nothing comes of it."""
    replicas = [Replica(consumer=one, client=client) for one in (LIS_SAMPLE_STATUS, POS_ORDERS)]
    done = 1
    while done:
        done = publish_events(client)
        for replica in replicas:
            while turned := replica.turn(wait=0):
                done += turned


KINDS = ("ordered", "collected", "received", "preliminary", "rejected", "resulted", "cancelled")


@st.composite
def samples(draw: st.DrawFn) -> list[Said]:
    """What is told of one order: of two specimens or of none by name, each thing with its time or without."""
    times = st.none() | st.integers(0, 6).map(lambda minutes: MORNING + timedelta(minutes=minutes))
    one = st.builds(Said, kind=st.sampled_from(KINDS), specimen=st.sampled_from(["", "S-1", "S-2"]), at=times)
    return draw(st.lists(one, min_size=1, max_size=6, unique=True))


def in_another_order(said: list[Said]) -> st.SearchStrategy[list[Said]]:
    """All of them, some more than once, in any order."""
    again = st.lists(st.sampled_from(said), max_size=4)
    return again.flatmap(lambda more: st.permutations([*said, *more]))
