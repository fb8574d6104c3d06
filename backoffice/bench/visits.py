"""What callers of the booking and status API do: look, book, move, cancel, list, watch."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

from backoffice.bench.caller import Answer, Caller
from backoffice.bench.surgery import REGION, Surgery

# How often each is done, of all: many look, some book, few change their minds; machines watch the run and the nights.
WEIGHTS: Mapping[str, int] = {
    "look": 28, "hold": 12, "book": 18, "reschedule": 9, "cancel": 6, "list": 9, "run": 13, "nights": 5,
}  # fmt: skip
# One of so many bookings is sent again with its key, as after a time-out.
REPEATED = 8
TRIES = 6


class Visits:
    """Callers of one surgery. `booked`: the id of every appointment that was answered with 201, in that order."""

    def __init__(self, caller: Caller, surgery: Surgery, *, seed: int, prefix: str = "L") -> None:
        self._caller, self._surgery, self._prefix = caller, surgery, prefix
        self._random = random.Random(seed)  # noqa: S311 (a load, not a secret)
        self._standing: list[int] = []
        self._number = 0
        self._etag = ""
        self.booked: list[int] = []
        self.wrong: list[str] = []
        self._acts: Mapping[str, Callable[[], Awaitable[object]]] = {
            "look": lambda: self._look(self._type()), "hold": self.hold_and_confirm, "book": self.book,
            "reschedule": self._reschedule, "cancel": self._cancel, "list": self._list, "run": self._run,
            "nights": self._nights,
        }  # fmt: skip

    async def one(self) -> None:
        """Something, as often as WEIGHTS say."""
        (name,) = self._random.choices(list(WEIGHTS), list(WEIGHTS.values()))
        await self._acts[name]()

    async def booking(self) -> bool:
        """A patient who looks and books, and looks again where somebody else was first; whether it came to a visit."""
        for _ in range(TRIES):
            if await (self.hold_and_confirm() if self._random.random() < 0.6 else self.book()):
                return True
        return False

    async def hold_and_confirm(self) -> bool:
        wish = await self._wish()
        held = await self._post("hold", "/holds/", wish) if wish else None
        if held is None or held.status != 201:
            return False
        name = {"external_id": self._name()}
        return self._note(await self._post("confirm", f"/holds/{held.body['id']}/confirm/", name))

    async def book(self) -> bool:
        wish = await self._wish()
        if wish is None:
            return False
        name = self._name()
        body = {**wish, "external_id": name}
        first = await self._post("book", "/appointments/", body, key=name)
        if first.status == 201 and self._random.randrange(REPEATED) == 0:
            again = await self._post("book again", "/appointments/", body, key=name)
            same = again.body and again.body.get("id") == first.body["id"] and "Idempotency-Replayed" in again.headers
            if again.status == 201 and not same:
                self.wrong.append("A request that was sent again with its key was not answered as before.")
        return self._note(first)

    async def _reschedule(self) -> None:
        appointment, wish = self._one_standing(), await self._wish()
        if appointment is not None and wish is not None:
            await self._post("reschedule", f"/appointments/{appointment}/reschedule/", {"begins": wish["begins"]})

    async def _cancel(self) -> None:
        appointment = self._one_standing()
        if appointment is not None:
            self._standing.remove(appointment)
            await self._post("cancel", f"/appointments/{appointment}/cancel/", {"reason": "recovered"})

    async def _list(self) -> None:
        begins = f"{self._day()}T00:00:00Z"
        await self._caller.ask(
            "list", "GET", "/appointments/", params={"region": REGION, "begins_from": begins, "limit": 50}
        )

    async def _run(self) -> None:
        if self._surgery.run is not None:
            headers = {"If-None-Match": self._etag} if self._etag else {}
            answer = await self._caller.ask("run", "GET", f"/runs/{self._surgery.run}/", headers=headers)
            self._etag = answer.headers.get("ETag", self._etag)

    async def _nights(self) -> None:
        await self._caller.ask("nights", "GET", "/nights/", params={"region": REGION})

    async def _look(self, type_: int) -> list[dict[str, Any]]:
        day = self._day()
        span = {"from": str(day), "to": str(day + timedelta(days=1))}
        answer = await self._caller.ask("look", "GET", "/availability/", params={"type": type_, **span, "limit": 40})
        return list(answer.body["slots"]) if answer.status == 200 else []

    async def _wish(self) -> dict[str, Any] | None:
        """A free slot of some day for some patient; None where that day is full."""
        type_ = self._type()
        slots = await self._look(type_)
        patient = self._random.choice(self._surgery.patients)
        return {"type": type_, "patient": patient, "begins": self._random.choice(slots)["begins"]} if slots else None

    async def _post(self, kind: str, path: str, body: dict[str, Any], key: str = "") -> Answer:
        headers = {"Idempotency-Key": key} if key else {}
        return await self._caller.ask(kind, "POST", path, json=body, headers=headers)

    def _note(self, answer: Answer) -> bool:
        if answer.status == 201:
            self.booked.append(answer.body["id"])
            self._standing.append(answer.body["id"])
        return answer.status == 201

    def _one_standing(self) -> int | None:
        return self._random.choice(self._standing) if self._standing else None

    def _name(self) -> str:
        self._number += 1
        return f"{self._prefix}-{self._number}"

    def _type(self) -> int:
        return self._random.choice(self._surgery.types)

    def _day(self) -> Any:
        return self._surgery.first + timedelta(days=self._random.randrange(self._surgery.days))


async def crowd(visits: Visits, *, callers: int, seconds: float) -> None:
    """So many callers, each of whom does one thing after the other, for so long."""
    ends = time.perf_counter() + seconds

    async def caller() -> None:
        while time.perf_counter() < ends:
            await visits.one()

    await asyncio.gather(*(caller() for _ in range(callers)))


async def steadily(visits: Visits, *, per_second: float, seconds: float, most: int) -> None:
    """So many things begun a second, however long each takes; no more than `most` at once, then later ones wait."""
    room = asyncio.Semaphore(most)
    began = time.perf_counter()

    async def act() -> None:
        try:
            await visits.one()
        finally:
            room.release()

    async with asyncio.TaskGroup() as group:
        for number in range(int(per_second * seconds)):
            await asyncio.sleep(max(0.0, began + number / per_second - time.perf_counter()))
            await room.acquire()
            group.create_task(act())
