"""A clinic's busiest day, replayed faster: when each patient comes to book, and how long until each has a visit."""

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

from backoffice.bench.visits import Visits

# Of a thousand patients who book online and by telephone, how many come in each hour of the day: the telephones open
# at eight, lunch is quieter, and after supper people book from home.
BY_HOUR = (4, 2, 1, 1, 2, 6, 15, 40, 95, 105, 95, 75, 50, 55, 65, 65, 60, 50, 45, 50, 50, 40, 20, 9)
DAY_HOURS = 24


@dataclass(frozen=True, kw_only=True, slots=True)
class Day:
    """`waited`: seconds from each arrival to the answer that ended it, in order; `without`: who got no visit."""

    bookings: int
    seconds: float
    waited: Sequence[float]
    without: int
    most_at_once: int


def arrivals(bookings: int, seconds: float, seed: int) -> list[float]:
    """When each of them comes, in seconds from the beginning of a day that takes so many."""
    chosen = random.Random(seed)  # noqa: S311 (a load, not a secret)
    hours = chosen.choices(range(DAY_HOURS), BY_HOUR, k=bookings)
    return sorted((hour + chosen.random()) * seconds / DAY_HOURS for hour in hours)


async def replay(visits: Visits, *, bookings: int, seconds: float, seed: int) -> Day:
    """Nobody waits for somebody else's answer: who comes while the clinic is slow waits longer, and is counted so."""
    waited: list[float] = []
    without = at_once = most = 0
    began = time.perf_counter()

    async def patient(due: float) -> None:
        nonlocal without, at_once, most
        at_once += 1
        most = max(most, at_once)
        if not await visits.booking():
            without += 1
        waited.append(time.perf_counter() - began - due)
        at_once -= 1

    async with asyncio.TaskGroup() as group:
        for due in arrivals(bookings, seconds, seed):
            await asyncio.sleep(max(0.0, began + due - time.perf_counter()))
            group.create_task(patient(due))
    return Day(
        bookings=bookings, seconds=time.perf_counter() - began, waited=sorted(waited), without=without,
        most_at_once=most,
    )  # fmt: skip
