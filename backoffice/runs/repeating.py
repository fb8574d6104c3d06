"""What may come twice, and what then keeps it from doing harm: each job and each function that is enqueued says so.

A run's job says it in its declaration (`twice`), a function of a queue by @safe_to_repeat. The pages that start,
restart and repeat show it beside the button.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

Function = TypeVar("Function", bound=Callable[..., object])


@dataclass(frozen=True, kw_only=True, slots=True)
class Twice:
    """`kind`: what it is that may be done twice, in a word or two; `how`: half a sentence on what happens then."""

    kind: str
    how: str


def idempotent(how: str) -> Twice:
    """Done again it changes nothing."""
    return Twice(kind="idempotent", how=how)


def billed(how: str) -> Twice:
    """Somebody is paid for each time; `how` they are not paid twice."""
    return Twice(kind="billed", how=how)


def maybe_sent(how: str) -> Twice:
    """It leaves the house, and nobody knows for certain of one that broke off; `how` it is not sent twice."""
    return Twice(kind="maybe sent", how=how)


_twice = {"backoffice.runs.kernel.work": idempotent("a part is claimed by one worker at a time")}


def safe_to_repeat(twice: Twice) -> Callable[[Function], Function]:
    """Note of a function of a queue what happens when it comes twice."""

    def note(function: Function) -> Function:
        _twice[f"{function.__module__}.{function.__qualname__}"] = twice
        return function

    return note


def twice_of(name: str) -> Twice | None:
    """By the dotted path of the function, whose module is loaded; None of one that does not say."""
    return _twice.get(name)
