"""The stream on Redis: row numbers of the outbox and their types, nothing else. What it loses is published again."""

import os
import secrets
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from redis import Redis
from redis.exceptions import ResponseError

from backoffice import queue_server

STREAM = "nightward:events"
ANSWER_SECONDS = 10.0
# Above every entry that there will be.
BEYOND = "18446744073709551614-0"
# A replica that asked for nothing in so long, and holds nothing, is gone: a living one asks every second.
FORGOTTEN_AFTER = timedelta(days=1)


@dataclass(kw_only=True, slots=True)
class Delivery:
    """What a replica was given: an entry of the stream. `again`: it was given to another one before, who ended."""

    entry: str
    number: int
    type: str
    again: bool = False


def connect() -> Redis:
    """With patience: a replica lies in wait for new entries, and many are published in one go."""
    return queue_server.connect(ANSWER_SECONDS)


def replica_name() -> str:
    """Unlike that of any other process, now or earlier."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"


def publish(client: Redis, rows: Iterable[tuple[int, str]]) -> list[str]:
    """Add (row number, type) in this order, all or none; the ids of the entries."""
    with client.pipeline(transaction=True) as pipeline:
        for number, kind in rows:
            pipeline.xadd(STREAM, {"event": number, "type": kind})
        return [entry.decode() for entry in pipeline.execute()]


def holds(client: Redis, entry: str) -> bool:
    """Whether the stream has the entry still."""
    return bool(entry and client.xrange(STREAM, entry, entry))


def ensure_group(client: Redis, group: str) -> None:
    """Make the consumer's group, from the stream's first entry on, where there is none."""
    try:
        client.xgroup_create(STREAM, group, "0", mkstream=True)
    except ResponseError as error:
        if not str(error).startswith("BUSYGROUP"):
            raise


def trim(client: Redis, groups: Iterable[str], *, kept: timedelta = timedelta(hours=1)) -> None:
    """Forget the entries that each of the groups is done with. Nothing while one of them does not exist yet.

    The last hour's stay, for a consumer that is tried although it is off.
    """
    known = {info["name"].decode(): info for info in _groups(client)}
    done = [(int((time.time() - kept.total_seconds()) * 1000), 0)]
    for group in groups:
        if group not in known:
            return
        pending = client.xpending(STREAM, group)
        first = pending["min"] if pending["pending"] else known[group]["last-delivered-id"]
        done.append(_parts(first))
    client.xtrim(STREAM, minid="{}-{}".format(*min(done)), approximate=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """A group as the server counts it: entries given out and not settled, and replicas heard of within the minute."""

    pending: int
    replicas: int


def group_standing(client: Redis, group: str, within: timedelta = timedelta(minutes=1)) -> Group:
    """Zeros where there is no such group."""
    known = {info["name"].decode(): info for info in _groups(client)}
    if group not in known:
        return Group(pending=0, replicas=0)
    alive = [one for one in client.xinfo_consumers(STREAM, group) if one["idle"] < within / timedelta(milliseconds=1)]
    return Group(pending=known[group]["pending"], replicas=len(alive))


class Reader:
    """One replica's hold on the stream."""

    def __init__(self, client: Redis, group: str, *, claim_after: timedelta) -> None:
        self.client, self.group, self.me = client, group, replica_name()
        self._claim_after = int(claim_after / timedelta(milliseconds=1))

    def read(self, most: int, *, wait: float) -> list[Delivery]:
        """New entries, after so many seconds at the most."""
        try:
            found = self.client.xreadgroup(
                self.group, self.me, {STREAM: ">"}, count=most, block=int(wait * 1000) if wait else None
            )
        except ResponseError as error:
            if not str(error).startswith("NOGROUP"):
                raise
            ensure_group(self.client, self.group)  # the server has lost its data
            return []
        return [_delivery(entry, fields) for _, entries in cast(Any, found) for entry, fields in entries]

    def claim(self, most: int) -> list[Delivery]:
        """Entries of replicas that have not been heard of since they were given them."""
        answer = cast(Any, self.client.xautoclaim(STREAM, self.group, self.me, self._claim_after, "0-0", count=most))
        return [_delivery(entry, fields, again=True) for entry, fields in answer[1] if fields]

    def keep(self, entries: list[str]) -> None:
        """Say that this replica lives, and still holds these, so that no other claims them. Before Redis 7.2 a read
        that brings nothing is not noted, but one among what is held is, also where nothing is."""
        self.client.xreadgroup(self.group, self.me, {STREAM: BEYOND}, count=1)
        if entries:
            self.client.xclaim(STREAM, self.group, self.me, 0, [*entries], justid=True)

    def settle(self, entries: list[str]) -> None:
        """Done with these."""
        if entries:
            self.client.xack(STREAM, self.group, *entries)

    def leave(self) -> None:
        """Take this replica off the list where it holds nothing, and those that have been gone for a day."""
        longest = FORGOTTEN_AFTER / timedelta(milliseconds=1)
        for one in self.client.xinfo_consumers(STREAM, self.group):
            if not one["pending"] and (one["name"].decode() == self.me or one["idle"] > longest):
                self.client.xgroup_delconsumer(STREAM, self.group, one["name"])


def _groups(client: Redis) -> list[dict[str, Any]]:
    return client.xinfo_groups(STREAM) if client.exists(STREAM) else []


def _delivery(entry: bytes, fields: dict[bytes, bytes], *, again: bool = False) -> Delivery:
    return Delivery(entry=entry.decode(), number=int(fields[b"event"]), type=fields[b"type"].decode(), again=again)


def _parts(entry: bytes) -> tuple[int, int]:
    milliseconds, _, number = entry.decode().partition("-")
    return int(milliseconds), int(number)
