"""What one run asks the hospital for again and again: five lookups, each distinct key asked once.

Shared by the threads of a part and gone with it, so that the next run sees what was mended meanwhile.
"""

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final, Generic, Protocol, TypeVar

from backoffice.adapters.hospital_types import Block, Case, Configuration, CostCenter, Physician

KEPT: Final = 4_000
Value = TypeVar("Value")


class Answers(Protocol):
    """The part of the hospital that is looked up; None is an answer, too."""

    def configuration(self, type_code: str) -> Configuration | None: ...
    def cost_center(self, department_id: str) -> CostCenter | None: ...
    def physician(self, department_id: str) -> Physician | None: ...
    def case(self, id: str) -> Case | None: ...
    def block(self, code: str) -> Block | None: ...


class Cache(Generic[Value]):
    """Remembers what `ask` answered for the `kept` keys that were used last; safe to share between threads.

    Whoever wants a key that is being asked for waits for that one call and shares its answer or its failure. A failure
    is then forgotten: the next caller asks again.
    """

    def __init__(self, ask: Callable[[str], Value], kept: int = KEPT) -> None:
        self._ask, self._kept = ask, kept
        self._answers: OrderedDict[str, Value] = OrderedDict()
        self._in_flight: dict[str, Future[Value]] = {}
        self._evicted: OrderedDict[str, None] = OrderedDict()  # as many again, to see whether `kept` is too small
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def get(self, key: str) -> Value:
        """The answer for `key`, from memory or from the other side; raises what `ask` raises."""
        with self._lock:
            if key in self._answers:
                self._counts["hits"] += 1
                self._answers.move_to_end(key)
                return self._answers[key]
            flight = self._in_flight.get(key)
            if flight is None:
                mine = self._in_flight[key] = Future()
                self._counts["calls"] += 1
                self._counts["reasked"] += key in self._evicted
            else:
                self._counts["joins"] += 1
        return self._fetch(key, mine) if flight is None else flight.result()

    def take_counts(self) -> Counter[str]:
        """Calls, hits, joins, failures and reasked since the last take; a request is a call, a hit or a join."""
        with self._lock:
            taken, self._counts = self._counts, Counter()
        return taken

    def _fetch(self, key: str, flight: Future[Value]) -> Value:
        try:
            answer = self._ask(key)
        except BaseException as error:  # whatever it is, nobody may wait for ever; raised to all of them
            with self._lock:
                self._counts["failures"] += 1
                del self._in_flight[key]
            flight.set_exception(error)
            raise
        with self._lock:
            self._remember(key, answer)
            del self._in_flight[key]
        flight.set_result(answer)
        return answer

    def _remember(self, key: str, answer: Value) -> None:
        self._evicted.pop(key, None)
        self._answers[key] = answer
        if len(self._answers) > self._kept:
            oldest, _ = self._answers.popitem(last=False)
            self._evicted[oldest] = None
        if len(self._evicted) > self._kept:
            self._evicted.popitem(last=False)


class Lookups:
    """The five caches of one run. Each method answers as the hospital's own does, and raises what it raises."""

    def __init__(self, hospital: Answers, *, kept: int = KEPT) -> None:
        configuration, cost_center = Cache(hospital.configuration, kept), Cache(hospital.cost_center, kept)
        physician, case, block = (
            Cache(hospital.physician, kept),
            Cache(hospital.case, kept),
            Cache(hospital.block, kept),
        )
        self.configuration, self.cost_center = configuration.get, cost_center.get
        self.physician, self.case, self.block = physician.get, case.get, block.get
        self._takers = {
            "configuration": configuration.take_counts,
            "cost_center": cost_center.take_counts,
            "physician": physician.take_counts,
            "case": case.take_counts,
            "block": block.take_counts,
        }

    def take_counts(self) -> dict[str, int]:
        """What was counted since the last take, as "cache.case.hits" and so on: all figures of all five, zeros too."""
        figures = ("calls", "hits", "joins", "failures", "reasked")
        taken = {kind: take() for kind, take in self._takers.items()}
        return {f"cache.{kind}.{figure}": counts[figure] for kind, counts in taken.items() for figure in figures}
